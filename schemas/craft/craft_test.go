// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// value decodes a YAML text into the generic form users hand in.
func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("yaml: %v", err)
	}
	return v
}

const ethLine = "eth: {src: '02:1e:67:9f:4d:ae', dst: '06:16:3e:1b:72:32'}\n"

// The expected frames come from spec/modules/README.md section 2.6.
func TestReferenceFrames(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"U1", ethLine + "ip: {src: 172.16.100.1, dst: 10.0.0.1, id: 1}\nudp: {src: 10001, dst: 10002}\npayload: helloworld",
			"06163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"},
		{"T1", ethLine + "ipv4: {src: 172.16.100.1, dst: 10.0.0.1, id: 1}\ntcp: {sport: 10001, dport: 10002, flags: A}\npayload: helloworld",
			"06163e1b7232021e679f4dae08004500003200010000400660b3ac1064010a000001271127120000000000000000501020000775000068656c6c6f776f726c64"},
		{"V1", ethLine + "vlan: {id: 7}\nip: {src: 172.16.100.1, dst: 10.0.0.1, id: 1}\nudp: {src: 10001, dst: 10002}\npayload: helloworld",
			"06163e1b7232021e679f4dae8100000708004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"},
		{"A1", "eth: {src: '02:1e:67:9f:4d:ae', dst: 'ff:ff:ff:ff:ff:ff'}\narp: {sender_ip: 10.0.0.9, target_ip: 1.2.3.4}",
			"ffffffffffff021e679f4dae08060001080006040001021e679f4dae0a00000900000000000001020304"},
		{"I1", ethLine + "ip: {src: 172.16.0.2, dst: 8.8.8.8, id: 1}\nicmp: {id: 0x1234, seq: 1}\npayload: abcd",
			"06163e1b7232021e679f4dae080045000020000100004001bebaac10000208080808080021041234000161626364"},
		{"O1", ethLine + "ip: {src: 10.0.0.1, dst: 10.0.0.2, id: 1, proto: udp, options: '01010100'}\npayload: '12345678'",
			"06163e1b7232021e679f4dae08004600002000010000401163c90a0000010a000002010101003132333435363738"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expect(t, c.in, c.want) })
	}
}

// The six templates of spec/tutorial.md; the expected bytes were computed by a
// separate program that reproduces U1 and T1 (IP id 1, TTL 64).
func TestTutorialTemplates(t *testing.T) {
	cases := []struct{ src, dst, l4, want string }{
		{"172.16.100.1", "10.0.0.1", "udp", "06163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"},
		{"172.12.55.99", "12.34.56.78", "udp", "06163e1b7232021e679f4dae08004500002600010000401152e7ac0c37630c22384e2711271200126 9a768656c6c6f776f726c64"},
		{"172.12.55.99", "10.0.0.1", "udp", "06163e1b7232021e679f4dae0800450000260001000040118d56ac0c37630a000001271127120012a41668656c6c6f776f726c64"},
		{"172.16.100.1", "12.34.56.78", "udp", "06163e1b7232021e679f4dae080045000026000100004011 2645ac1064010c22384e2711271200123d0568656c6c6f776f726c64"},
		{"172.12.55.99", "12.34.56.78", "tcp", "06163e1b7232021e679f4dae08004500003200010000400652e6ac0c37630c22384e27112712000000000000000050022000f9b5000068656c6c6f776f726c64"},
		{"192.168.1.123", "12.34.56.78", "udp", "06163e1b7232021e679f4dae0800450000260001000040117433c0a8017b0c22384e2711271200128af368656c6c6f776f726c64"},
	}
	for _, c := range cases {
		in := fmt.Sprintf("%sip: {src: %s, dst: %s, id: 1}\n%s: {src: 10001, dst: 10002}\npayload: helloworld", ethLine, c.src, c.dst, c.l4)
		expect(t, in, strings.ReplaceAll(c.want, " ", ""))
	}
}

const (
	inner     = "4500001d00000000401166ce0a0000010a00000200010002000973d678"
	innerList = "- ip: {src: 10.0.0.1, dst: 10.0.0.2}\n- udp: {src: 1, dst: 2}\n- payload: x\n"
	outerList = "- ip: {src: 1.1.1.1, dst: 2.2.2.2}\n"
)

// Expected bytes come from a program of its own, not from this package.
func TestStacks(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"udp over ipv6, traffic class, flow label",
			ethLine + "ipv6: {src: '2001:db8::1', dst: '2001:db8::2', dscp: 46, ecn: 1, flow: 0x12345, ttl: 3}\nudp: {src: 53, dst: 5353}\npayload: abc",
			"06163e1b7232021e679f4dae86dd6b912345000b110320010db800000000000000000000000120010db8000000000000000000000002003514e9000bcae2616263"},
		{"icmpv6 echo",
			ethLine + "ipv6: {src: '2001:db8::1', dst: '2001:db8::2'}\nicmpv6: {id: 0x1234, seq: 7}\npayload: xyz",
			"06163e1b7232021e679f4dae86dd60000000000b3a4020010db800000000000000000000000120010db800000000000000000000000280001f901234000778797a"},
		{"icmpv6 neighbor solicitation without ethernet",
			"ipv6: {src: '2001:db8::1', dst: 'ff02::1:ff00:2', hop_limit: 255}\nicmpv6: {type: neighbor-solicitation}\npayload: {hex: '00000000 20010db8000000000000000000000002'}",
			"6000000000183aff20010db8000000000000000000000001ff0200000000000000000001ff00000287001f310000000020010db8000000000000000000000002"},
		{"vxlan: the inner frame is not padded",
			"- " + ethLine + outerList + "- udp: {src: 50000}\n- vxlan: {vni: 4242}\n- " + ethLine +
				"- ip: {src: 172.16.100.1, dst: 10.0.0.1, id: 1}\n- udp: {src: 10001, dst: 10002}\n- payload: helloworld",
			"06163e1b7232021e679f4dae08004500005800000000401174900101010102020202c35012b500442db1080000000010920006163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"},
		{"gtpu with sequence number", outerList + "- udp: {}\n- gtpu: {teid: 0xdeadbeef, seq: 9}\n" + innerList,
			"4500004500000000401174a301010101020202020868086800312c0d32ff0021deadbeef00090000" + inner},
		{"gre with key and checksum", outerList + "- gre: {key: 77, checksum: true}\n" + innerList,
			"4500003d00000000402f748d0101010102020202a00008006bcf00000000004d" + inner},
		{"two tags and two labels in the map form",
			ethLine + "vlan: [{id: 100, pcp: 1, tpid: qinq}, {id: 101, dei: true}]\nmpls: [{label: 16, tc: 7}, {label: 17, ttl: 10}]\n" +
				"ip: {src: 10.0.0.1, dst: 10.0.0.2}\nudp: {src: 1, dst: 2}\npayload: x",
			"06163e1b7232021e679f4dae88a82064810010658847" + "00010e40" + "0001110a" + inner},
		{"tcp options, DF, dscp",
			"ip: {src: 10.0.0.1, dst: 10.0.0.2, dscp: 46, flags: DF}\ntcp: {src: 80, dst: 1024, seq: 1, ack: 2, flags: [syn, ack], options: '02 04 05b4 01 030307'}",
			"45b80030000040004006260e0a0000010a000002005004000000000100000002701220004bb30000020405b401030307"},
		{"sctp", "ip: {src: 10.0.0.1, dst: 10.0.0.2}\nsctp: {src: 1, dst: 2, tag: 0xdead}\npayload: {hex: 0a000008abcdef01}",
			"4500002800000000408466500a0000010a000002000100020000dead88f6a5220a000008abcdef01"},
		{"ip in ip", outerList + innerList, "450000310000000040047" + "4c40101010102020202" + inner},
		{"defaults of icmp", outerList + "- icmp: {}", "4500001c00000000400174dc0101010102020202" + "0800f7ff00000000"},
		{"bare tag and bare label", ethLine + "vlan: 7\nmpls: 16\npayload: x", "06163e1b7232021e679f4dae8100000788470001014078"},
		{"only a payload and padding", "payload: ab\npad_to: 5", "6162000000"},
		{"arp reply", "arp: {op: reply, sender_mac: '02:00:00:00:00:01', sender_ip: 1.2.3.4, target_mac: '02:00:00:00:00:02', target_ip: 1.2.3.5}",
			"0001080006040002" + "02000000000101020304" + "02000000000201020305"},
		{"ethernet over gre", outerList + "- gre: {}\n- eth: {src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', type: 0x88b5}",
			"4500002600000000402f74a401010101020202020000655802000000000202000000000188b5"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expect(t, c.in, c.want) })
	}
}

func expect(t *testing.T, in, want string) {
	t.Helper()
	got, err := Packet(value(t, in))
	if err != nil {
		t.Fatalf("Packet(%s): %v", in, err)
	}
	if g := hex.EncodeToString(got); g != want {
		t.Errorf("Packet(%s):\n got %s\nwant %s", in, g, want)
	}
}

// What is given by hand is kept, right or wrong; the rest is still computed.
func TestOverrides(t *testing.T) {
	base := "ip: {src: 10.0.0.1, dst: 10.0.0.2%s}\nudp: {src: 1, dst: 2%s}\npayload: x"
	good, err := Packet(value(t, fmt.Sprintf(base, "", "")))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, ip, udp string
		at            int
		want          string
	}{
		{"ip checksum", ", checksum: 0xdead", "", 10, "dead"},
		{"ip length, checksum follows", ", length: 0xffff", "", 2, "ffff"},
		{"udp length", "", ", length: 7", 24, "0007"},
		{"udp without checksum", "", ", checksum: 0", 26, "0000"},
		{"tos", ", tos: 255", "", 1, "ff"},
		{"fragment", ", flags: [df, mf], frag: 0x1fff", "", 6, "7fff"},
		{"ip flags as map", ", flags: {df: true, mf: false}", "", 6, "4000"},
		{"ip flags as number", ", flags: 1", "", 6, "2000"},
		{"proto by number", ", proto: 99", "", 9, "63"},
	}
	for _, c := range cases {
		got, err := Packet(value(t, fmt.Sprintf(base, c.ip, c.udp)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(got) != len(good) || hex.EncodeToString(got[c.at:c.at+len(c.want)/2]) != c.want {
			t.Errorf("%s: bytes %d… of %x, want %s", c.name, c.at, got, c.want)
		}
		if !strings.Contains(c.ip, "checksum") && sum16(got[:20]) != 0xffff {
			t.Errorf("%s: header checksum does not cover the given value: %x", c.name, got[:20])
		}
	}
}

// sum16 is the ones' complement sum of RFC 1071; 0xffff means intact.
func sum16(p []byte) uint16 {
	s := uint32(0)
	for i, c := range p {
		s += uint32(c) << (8 * (1 - i%2))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// The payload ebd4 makes this datagram's checksum 0, which means "none" on the
// wire.
func TestUDPChecksumZeroIsSentAsFFFF(t *testing.T) {
	got, err := Packet(value(t, "ip: {src: 10.0.0.1, dst: 10.0.0.2}\nudp: {src: 1, dst: 2}\npayload: {hex: ebd4}"))
	if err != nil {
		t.Fatal(err)
	}
	if h := hex.EncodeToString(got[26:28]); h != "ffff" {
		t.Errorf("checksum %s, want ffff", h)
	}
}

func TestTCPFlags(t *testing.T) {
	cases := []struct{ flags, want string }{
		{"SA", "5012"}, {"sa", "5012"}, {"''", "5000"}, {"ece", "5040"}, {"CE", "50c0"}, {"N", "5100"},
		{"[fin, urg]", "5021"}, {"{psh: true, ack: true, syn: false}", "5018"}, {"0x1ff", "51ff"}, {"rst", "5004"},
		{"null", "5002"},
	}
	for _, c := range cases {
		got, err := Packet(value(t, "ip: {src: 10.0.0.1, dst: 10.0.0.2}\ntcp: {src: 1, dst: 2, flags: "+c.flags+"}"))
		if err != nil {
			t.Errorf("flags %s: %v", c.flags, err)
		} else if h := hex.EncodeToString(got[32:34]); h != c.want {
			t.Errorf("flags %s: %s, want %s", c.flags, h, c.want)
		}
	}
}
