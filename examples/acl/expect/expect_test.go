// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func frames(t *testing.T, name string) []frame {
	t.Helper()
	list, err := readCapture(bytes.NewReader(read(t, name)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

// An expectation that used the appliance would repeat its mistakes.
func TestProgramSharesNoCodeWithTheAppliance(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %v, error %v", files, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if strings.Contains(path, ".") && !strings.HasPrefix(path, "github.com/google/gopacket") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

var cases = []struct{ rules, pcap, json string }{
	{"rules.json", "expected.pcap", "expected.json"},
	{"rules2.json", "expected2.pcap", "expected2.json"},
}

func TestExpectedFilesAreWhatTheProgramSays(t *testing.T) {
	for _, c := range cases {
		var pcap bytes.Buffer
		table, err := expectation(bytes.NewReader(read(t, "traffic.pcap")), read(t, c.rules), &pcap)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(table, read(t, c.json)) {
			t.Errorf("%s differs; the program says %s", c.json, table)
		}
		if !bytes.Equal(pcap.Bytes(), read(t, c.pcap)) {
			t.Errorf("%s differs from what the program writes", c.pcap)
		}
	}
}

// The rule list of the tutorial is simple enough to be judged by two bytes of the frame.
func TestTutorialRuleByHand(t *testing.T) {
	var want []frame
	other := 0
	for _, f := range frames(t, "traffic.pcap") {
		switch {
		case binary.BigEndian.Uint16(f.data[12:]) != 0x0800:
			other++
		case f.data[26] == 172 && f.data[27] == 12:
			want = append(want, f)
		}
	}
	got := frames(t, "expected.pcap")
	if len(got) != len(want) {
		t.Fatalf("%d frames in expected.pcap, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i].data, want[i].data) || !got[i].info.Timestamp.Equal(want[i].info.Timestamp) {
			t.Fatalf("frame %d of expected.pcap is not frame %d that should pass", i, i)
		}
	}
	if table := readTally(t, "expected.json"); table.DroppedNotIPv4 != other {
		t.Errorf("dropped_not_ipv4 is %d, but %d frames have another EtherType", table.DroppedNotIPv4, other)
	}
}

func readTally(t *testing.T, name string) tally {
	t.Helper()
	var table tally
	if err := json.Unmarshal(read(t, name), &table); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestTablesAddUpAndDiffer(t *testing.T) {
	for _, c := range cases {
		table := readTally(t, c.json)
		sum, allowed := table.DroppedDefault+table.DroppedNotIPv4, 0
		for i := range table.AllowedByRule {
			allowed += table.AllowedByRule[i]
			sum += table.AllowedByRule[i] + table.DroppedByRule[i]
			if table.AllowedByRule[i]+table.DroppedByRule[i] == 0 {
				t.Errorf("%s: rule %d decides nothing", c.rules, i)
			}
		}
		if sum != table.Total || allowed != table.Allowed || len(frames(t, c.pcap)) != allowed {
			t.Errorf("%s does not add up: %+v", c.json, table)
		}
		if table.DroppedDefault == 0 || table.DroppedNotIPv4 == 0 {
			t.Errorf("%s: nothing dropped by default or as not IPv4: %+v", c.json, table)
		}
	}
	if a, b := readTally(t, "expected.json"), readTally(t, "expected2.json"); b.Allowed < a.Allowed+50 {
		t.Errorf("the second rule list lets %d pass, too few more than the first with %d", b.Allowed, a.Allowed)
	}
}

// The second list has a rule with a port. Fragments without ports must not match it, although their
// bytes at the place of the port read as 80.
func TestFragmentsThatLookLikePort80(t *testing.T) {
	var first, look, passed int
	for _, f := range frames(t, "traffic.pcap") {
		ip, ok := ipv4(f.data)
		if !ok || ip.SrcIP.String() != "192.168.1.123" || ip.Protocol != layers.IPProtocolUDP {
			continue
		}
		more := ip.Flags&layers.IPv4MoreFragments != 0
		switch port := binary.BigEndian.Uint16(ip.Payload[2:]); {
		case ip.FragOffset == 0 && more && port == 80:
			first++
		case ip.FragOffset != 0 && port == 80:
			look++
		}
	}
	for _, f := range frames(t, "expected2.pcap") {
		if ip, ok := ipv4(f.data); ok && ip.SrcIP.String() == "192.168.1.123" && ip.FragOffset != 0 {
			passed++
		}
	}
	if first == 0 || look == 0 || passed != 0 {
		t.Errorf("%d first fragments to port 80, %d later ones that look so, %d of the later pass", first, look, passed)
	}
}

func TestReadmeShowsTheCounts(t *testing.T) {
	readme := string(read(t, "README.md"))
	if table := summary(frames(t, "traffic.pcap")); !strings.Contains(readme, table) {
		t.Errorf("README.md does not contain this table:\n%s", table)
	}
	for _, c := range cases {
		if table := strings.TrimSpace(string(read(t, c.json))); !strings.Contains(readme, table) {
			t.Errorf("README.md does not contain the content of %s: %s", c.json, table)
		}
	}
}

func TestBrokenCapturesAreErrors(t *testing.T) {
	whole := read(t, "traffic.pcap")
	for name, data := range map[string][]byte{
		"empty": nil, "no capture": []byte("hello, this is a text and not a capture"),
		"cut in the header": whole[:20], "cut in a packet header": whole[:30], "cut in a packet": whole[:60],
	} {
		if _, err := readCapture(bytes.NewReader(data)); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
	if list, err := readCapture(bytes.NewReader(whole[:24])); err != nil || len(list) != 0 {
		t.Errorf("a capture without packets: %d packets, error %v", len(list), err)
	}
}

func TestRetransmissions(t *testing.T) {
	r := retransmissions{}
	for i, c := range []struct {
		seq  uint32
		size int
		want bool
	}{
		{0xffffff00, 0x80, false}, {0xffffff80, 0x100, false}, // across the wrap
		{0xffffff80, 0x100, true}, {0xffffff00, 0x80, true}, {0x80, 0x10, false}, {0x80, 0, false}, {0x88, 0x10, false},
	} {
		tcp := &layers.TCP{SrcPort: 1000, DstPort: 80, Seq: c.seq, ACK: true}
		ip := &layers.IPv4{
			Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP,
			SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2},
		}
		eth := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
		buf := gopacket.NewSerializeBuffer()
		err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, eth, ip, tcp,
			gopacket.Payload(make([]byte, c.size)))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.seen(dissect(buf.Bytes())); got != c.want {
			t.Errorf("segment %d: sent again %v, want %v", i, got, c.want)
		}
	}
}
