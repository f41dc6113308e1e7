// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// expressions are decided by tcpdump, too.
var expressions = strings.Split(strings.TrimSpace(`
ip
ip6
arp
rarp
tcp
udp
sctp
icmp
icmp6
igmp
ah or esp or pim or vrrp
not ip
not udp and not tcp
udp or tcp
ip proto 17
ip6 proto 17
ip6 proto 58
proto 6
ip proto \udp
ether proto 0x806
ether proto \ip6
ether proto 0x42
host 10.0.0.1
src host 10.0.0.1
dst host 10.0.0.1
src 172.16.100.1
dst 10.0.0.1 or src 10.0.0.1
src or dst host 10.0.0.1
src and dst host 10.0.0.1
ip host 10.0.0.1
arp host 10.0.0.9
arp src host 10.0.0.9
host 10.0.0.1 or 10.0.0.9 or 8.8.8.8
not host 10.0.0.1
net 10.0.0.0/8
net 10
net 10.0
src net 172.16.0.0/12
dst net 10.0.0.0 mask 255.255.255.0
net 0.0.0.0/0
host 2001:db8::1
src host 2001:db8::1
dst net 2001:db8::/32
ip6 host 2001:db8::2
net 2001:db8::/33
port 53
port 10002
src port 10001
dst port 10002
tcp port 80
udp port 53 or 10001
tcp src port 10001
udp dst port 10002
sctp port 10001
port 80 or 443 or 10001
not port 10002
portrange 10000-10002
tcp portrange 10000-10001
src portrange 1-1023
port http
port domain
tcp port ssh or http
ether host 02:1e:67:9f:4d:ae
ether src 02:1e:67:9f:4d:ae
ether dst ff:ff:ff:ff:ff:ff
broadcast
multicast
ether broadcast
ip multicast
ip6 multicast
len > 60
len <= 52
less 60
greater 100
len - 14 > 40
ip[0] & 0xf != 5
ip[6:2] & 0x1fff != 0
ether[12] = 0x108
not ether[12:2] = 0x10800
ether[12:2] = 0x800 or not ether[12:2] = 0x800 and ip6
ip and (udp or ip[8] = 64) and not (ip and tcp)
ip[8] < 64
ip[2:2] = 38
tcp[tcpflags] & tcp-syn != 0
tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-ack
tcp[13] = 16
tcp[0:2] = 10001
udp[2:2] = 10002
udp[4:2] > 18
icmp[icmptype] = icmp-echo
icmp[0] == 8
icmp6[icmp6type] = icmp6-echo
icmp6[0] = 128
ip6[6] = 17
ether[0] & 1 = 1
ether[12:2] = 0x800
ether[100] = 0
not ether[100] = 0
ether[60:4] != 7 or udp
arp[7] = 1
arp[6:2] = 1
ip[((ip[0]&0xf)<<2):2] = 10001
(ip[2:2] - ((ip[0]&0xf)<<2)) > 20
((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0
ip[8] % 2 = 0
ip[9] ^ 17 = 0
ip[8] * 2 + 1 > 100
ip[8] / 3 = 21
len / ip[1] > 5
0 - ip[8] = -64
0x40 = ip[8]
1 = 1
1 = 2 or udp
vlan
vlan 7
vlan and ip
vlan and udp port 10002
vlan and vlan
vlan 5 and vlan 6 and ip
not vlan and ip
vlan or ip
ip or vlan
vlan and not arp
udp or tcp and port 80
(udp or tcp) and port 10001
tcp and (port 80 or port 10001)
not (tcp or udp)
! tcp && ! udp
ip and not (src net 10.0.0.0/8 or dst net 10.0.0.0/8)
udp && (port (10001 or 10002))
ip src 172.16.100.1 and udp
ether src 02:1e:67:9f:4d:ae and ip and not icmp
`), "\n")

// write makes a capture file.
func write(t *testing.T, frames [][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "frames.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i, p := range frames {
		// The time tells which frame it is.
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(p), Length: len(p)}
		if err := w.WritePacket(ci, p); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// readAll returns the frames of a capture.
func readAll(t *testing.T, name string) [][]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return list
		}
		list = append(list, data)
	}
}

// tcpdump returns the numbers of the frames that tcpdump lets pass. -O leaves
// the optimizer out, which moves loads and with them the end of filters that
// look behind the end of a frame.
func tcpdump(t *testing.T, file, expr string) map[int]bool {
	t.Helper()
	out, err := exec.Command("tcpdump", "-O", "-n", "-r", file, "-w", "-", "--", expr).Output()
	if err != nil {
		t.Fatalf("tcpdump %q: %v", expr, err)
	}
	pass := map[int]bool{}
	if len(out) == 0 {
		return pass
	}
	r, err := pcapgo.NewReader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, ci, err := r.ReadPacketData()
		if err != nil {
			return pass
		}
		pass[int(ci.Timestamp.Unix())] = true
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// crafted returns frames of many protocols, whole, cut and with bytes changed.
func crafted() [][]byte {
	const macs = "06163e1b7232021e679f4dae"
	v6 := func(next byte, payload string) []byte {
		p := unhex(payload)
		h := append(unhex(macs+"86dd60000000"), byte(len(p)>>8), byte(len(p)), next, 64)
		h = append(h, unhex("20010db8000000000000000000000001"+"20010db8000000000000000000000002")...)
		return append(h, p...)
	}
	list := [][]byte{
		unhex(macs + "08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"),
		unhex(macs + "08004500003200010000400660b3ac1064010a000001271127120000000000000000501020000775000068656c6c6f776f726c64"),
		unhex(macs + "8100000708004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"),
		unhex(macs + "88a80005810000060800450000260001000040116" + "0b4ac1064010a000001271127120012777468656c6c6f776f726c64"),
		unhex("ffffffffffff021e679f4dae08060001080006040001021e679f4dae0a00000900000000000001020304"),
		unhex(macs + "080045000020000100004001bebaac10000208080808080021041234000161626364"),
		unhex(macs + "08004600002000010000401163c90a0000010a000002010101003132333435363738"),
		unhex(macs + "0800450000260001200040116" + "0b4ac1064010a000001271127120012777468656c6c6f776f726c64"),
		unhex(macs + "0800450000260001000540116" + "0b4ac1064010a000001271127120012777468656c6c6f776f726c64"),
		unhex("01005e000001021e679f4dae0800450000200001000001020000ac100001e000000111001122"),
		v6(17, "0035271200080000"), v6(6, "271100500000000000000000500220000000000000"), v6(58, "8000000012340001"),
		v6(44, "11000001000000010035271200080000"), v6(44, "1100005800000001aabbccdd"), v6(0, "110001040000000000352712"),
		unhex(macs + "00264242030000000000"),
		unhex(macs + "080045000028000100004084" + "60b4ac1064010a0000012711005000000000000000000000000000000000"),
	}
	rng := rand.New(rand.NewPCG(1, 7))
	for range 1500 {
		f := bytes.Clone(list[rng.IntN(18)])
		for range rng.IntN(3) {
			f[rng.IntN(len(f))] = byte(rng.Uint32())
		}
		if rng.IntN(3) == 0 {
			f = f[:max(14, rng.IntN(len(f)))]
		}
		if rng.IntN(4) == 0 {
			f = append(f, make([]byte, rng.IntN(60))...)
		}
		list = append(list, f)
	}
	return list
}

// Every expression decides every frame as tcpdump does: frames of a real
// capture and crafted ones.
func TestAgreesWithTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		testenv.Skip(t, testenv.NoProgram, "tcpdump")
	}
	real := readAll(t, "../../../examples/acl/traffic.pcap")
	frames := append(crafted(), real...)
	file := write(t, frames)
	matched := 0
	for _, expr := range expressions {
		p, err := Compile(expr)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		pass := tcpdump(t, file, expr)
		matched += len(pass)
		wrong := 0
		for i, f := range frames {
			if got := p.Match(f, len(f)); got != pass[i] && wrong < 2 {
				wrong++
				t.Errorf("%q: frame %d is let pass by us %v, by tcpdump %v: %x", expr, i, got, pass[i], f)
			}
		}
	}
	if matched == 0 {
		t.Error("nothing ever matched")
	}
}

// Errors show the expression, the place and what is wrong.
func TestErrors(t *testing.T) {
	for expr, want := range map[string]string{
		"host":              `"host": at character 5: the expression ends, but a value is missing`,
		"tcp port 80 foo":   `"tcp port 80 foo": at character 13: "foo" is unexpected; and, or, or the end must stand here`,
		"tcp port 70000":    `"tcp port 70000": at character 10: "70000" is unexpected; a port 0..65535, or its name must stand here`,
		"(udp":              `"(udp": at character 5: the expression ends, but a closing bracket is missing`,
		"ip[0:3] = 1":       `"ip[0:3] = 1": at character 6: "3" is unexpected; a size of 1, 2 or 4 must stand here`,
		"ip[0] / 0 = 1":     `"ip[0] / 0 = 1": at character 7: division by zero`,
		"udp and mpls":      `"udp and mpls": at character 9: mpls is not supported: labels are not looked into`,
		"host www.bess.org": `"host www.bess.org": at character 6: "www.bess.org" is unexpected; an address (names of hosts are not resolved) must stand here`,
		"ip broadcast":      `"ip broadcast": at character 4: ip broadcast needs the network mask, which is not known`,
		"net 10.0.0.1/8":    `"net 10.0.0.1/8": at character 14: the network has bits beyond its mask`,
		"udp $":             `"udp $": at character 5: '$' is no part of a filter`,
		"vlan 5000":         `"vlan 5000": at character 6: "5000" is unexpected; a number 0..4095 must stand here`,
		"icmp port 5":       `"icmp port 5": at character 11: port goes with tcp, udp and sctp, not with icmp`,
		"ether 10.0.0.1":    `"ether 10.0.0.1": at character 7: "10.0.0.1" is unexpected; an address (names of hosts are not resolved) must stand here`,
		"ip[0]":             `"ip[0]": at character 6: the expression ends, but a comparison (=, !=, <, >, <=, >=) is missing`,
		"inbound":           `"inbound": at character 1: inbound is not supported: a frame in a pipeline has no direction`,
		`ip proto \`:        `"ip proto \\": at character 11: a name must follow the backslash`,
		"host 10.0.0.1 and": `"host 10.0.0.1 and": at character 18: the expression ends, but a condition is missing`,
		"not":               `"not": at character 4: the expression ends, but a condition is missing`,
		"portrange 5-":      `"portrange 5-": at character 12: "-" is unexpected; and, or, or the end must stand here`,
		"udp or or tcp":     `"udp or or tcp": at character 8: "or" is unexpected; a condition must stand here`,
	} {
		_, err := Compile(expr)
		if errno.Code(err) != errno.EINVAL || err.Error() != want {
			t.Errorf("%q: %v\n\twant %s", expr, err, want)
		}
	}
}

// Hostile expressions end with an error.
func TestHostileExpressions(t *testing.T) {
	for name, expr := range map[string]string{
		"brackets":     strings.Repeat("(", 10_000),
		"nots":         strings.Repeat("not ", 10_000) + "udp",
		"minus":        strings.Repeat("-", 10_000) + "1 = 1",
		"sums":         "ip[0] = 1" + strings.Repeat("+(ip[0]", 150),
		"deep stack":   "ip[0]" + strings.Repeat("+(ip[0]", 60) + strings.Repeat(")", 60) + " = 1",
		"long":         strings.Repeat("udp or ", 10_000) + "udp",
		"many tests":   strings.Repeat("port 1 or ", 6_000) + "udp",
		"tags":         strings.Repeat("vlan and ", 1_000) + "ip",
		"port lists":   "port " + strings.Repeat("(", 5_000),
		"computations": "len" + strings.Repeat("+ip[0]", 5_000) + " = 1",
	} {
		if _, err := Compile(expr); errno.Code(err) != errno.EINVAL {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d characters", name, len(err.Error()))
		}
	}
}

func TestEmptyMatchesAll(t *testing.T) {
	for _, expr := range []string{"", "  \t"} {
		p, err := Compile(expr)
		if err != nil || !p.Match(nil, 0) || !p.Match(make([]byte, 5), 5) {
			t.Errorf("%q: %v", expr, err)
		}
	}
}

// The length is that of the whole packet, loads see its first segment.
func TestLengthOfWholePacket(t *testing.T) {
	long, err := Compile("len > 1000")
	if err != nil {
		t.Fatal(err)
	}
	if !long.Match(make([]byte, 60), 1500) || long.Match(make([]byte, 60), 60) {
		t.Error("the length at hand is taken")
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	frames := crafted()[:18]
	for _, expr := range expressions {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(10, func() {
			for _, f := range frames {
				p.Match(f, len(f))
			}
		}); n != 0 {
			t.Errorf("%q: %v allocations", expr, n)
		}
	}
}

// FuzzCompile compiles arbitrary text and decides arbitrary frames.
func FuzzCompile(f *testing.F) {
	for _, expr := range expressions {
		f.Add(expr, crafted()[0])
	}
	f.Fuzz(func(t *testing.T, expr string, frame []byte) {
		p, err := Compile(expr)
		if err != nil {
			if errno.Code(err) != errno.EINVAL {
				t.Errorf("%q: %v", expr, err)
			}
			return
		}
		matched := p.Match(frame, len(frame))
		if len(frame) <= packet.BufferSize {
			if batch := p.MatchBatch(packets(t, [][]byte{frame}), 1); batch == 1 != matched {
				t.Errorf("%q: %x matches %v alone, %v in a batch", expr, frame, matched, !matched)
			}
		}
		n, err := Compile("not (" + expr + ")")
		if err == nil && n.Match(frame, len(frame)) && p.Match(frame, len(frame)) {
			t.Errorf("%q and its negation match %x", expr, frame)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	frame := crafted()[0]
	binary.BigEndian.PutUint16(frame[12:], 0x0800)
	for _, expr := range []string{"udp", "tcp port 80", "host 10.0.0.1 and udp dst port 10002", "ip[6:2] & 0x1fff != 0", "ip[((ip[0]&0xf)<<2):2] = 10001"} {
		p, err := Compile(expr)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(expr, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				p.Match(frame, len(frame))
			}
		})
	}
}
