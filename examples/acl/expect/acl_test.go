// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Whole frames, written out: Ethernet 02:1e:67:9f:4d:ae to 06:16:3e:1b:72:32.
const (
	macs = "06163e1b7232021e679f4dae"
	// UDP 172.16.100.1:10001 to 10.0.0.1:10002, "helloworld".
	udp = macs + "08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"
	// The same with TCP to port 80.
	tcp80 = macs + "08004500003200010000400660b3ac1064010a000001271100500000000000000000501020000000000068656c6c6f776f726c64"
	// ICMP whose checksum reads as port 80.
	icmp80 = macs + "08004500001c0001000040010000ac1064010a0000010800005000000000"
	// A first fragment of UDP to port 80, and one in the middle whose bytes read as 10001 and 80.
	firstFragment = macs + "08004500001c0001200040110000ac1064010a0000012711005000080000"
	laterFragment = macs + "08004500001c000120b940110000ac1064010a0000012711005000080000"
	// UDP to port 80 behind four bytes of options.
	options = macs + "0800460000200001000040110000ac1064010a000001010101002711005000080000"
	tagged  = macs + "8100000708004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"
	arp     = "ffffffffffff021e679f4dae08060001080006040001021e679f4dae0a00000900000000000001020304"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// patch replaces bytes of a frame from an offset on.
func patch(frame string, at int, bytes string) string {
	return frame[:2*at] + bytes + frame[2*at+len(bytes):]
}

func TestJudge(t *testing.T) {
	const port80 = `[{"dst_port":80}]`
	for _, c := range []struct {
		name, rules, frame string
		want               int
	}{
		{"no rules", `[]`, udp, byDefault},
		{"source inside", `[{"src_ip":"172.16.0.0/12"}]`, udp, 0},
		{"source outside", `[{"src_ip":"172.12.0.0/16"}]`, udp, byDefault},
		{"host bits of a prefix do not count", `[{"src_ip":"172.16.9.9/12"}]`, udp, 0},
		{"destination", `[{"dst_ip":"10.0.0.1/32"}]`, udp, 0},
		{"other destination", `[{"dst_ip":"10.0.0.2/32"}]`, udp, byDefault},
		{"both must hold", `[{"src_ip":"172.16.0.0/12","dst_ip":"10.0.0.2/32"}]`, udp, byDefault},
		{"source port", `[{"src_port":10001}]`, udp, 0},
		{"destination port is not the source port", `[{"dst_port":10001}]`, udp, byDefault},
		{"first match decides", `[{"src_ip":"1.0.0.0/8"},{"dst_port":10002,"drop":true},{}]`, udp, 1},
		{"later match", `[{"dst_port":10002,"drop":true},{}]`, tcp80, 1},
		{"TCP port", port80, tcp80, 0},
		{"SCTP port", port80, patch(tcp80, 23, "84"), 0},
		{"ICMP has no ports", port80, icmp80, byDefault},
		{"ICMP has addresses", `[{"dst_ip":"10.0.0.1/32"}]`, icmp80, 0},
		{"ESP has no ports", port80, patch(tcp80, 23, "32"), byDefault},
		{"first fragment", port80, firstFragment, 0},
		{"later fragment has no ports", port80, laterFragment, byDefault},
		{"later fragment has addresses", `[{"src_ip":"172.16.0.0/12"}]`, laterFragment, 0},
		{"ports behind options", port80, options, 0},
		{"ports beyond the total length are padding", port80, patch(firstFragment, 16, "0016"), byDefault},
		{"padding is no harm", `[{}]`, udp + "0000000000", 0},
		{"VLAN tag", `[{}]`, tagged, notIPv4},
		{"ARP", `[{}]`, arp, notIPv4},
		{"IPv6 in name only", `[{}]`, patch(udp, 12, "86dd"), notIPv4},
		{"version 6", `[{}]`, patch(udp, 14, "65"), notIPv4},
		{"header length 4", `[{}]`, patch(udp, 14, "44"), notIPv4},
		{"header longer than the packet", `[{}]`, patch(udp, 14, "4f"), notIPv4},
		{"total length 0", `[{}]`, patch(udp, 16, "0000"), notIPv4},
		{"total length below the header", `[{}]`, patch(udp, 16, "0013"), notIPv4},
		{"total length beyond the frame", `[{}]`, patch(udp, 16, "0027"), notIPv4},
		{"cut inside the header", `[{}]`, udp[:2*33], notIPv4},
		{"Ethernet header alone", `[{}]`, udp[:2*14], notIPv4},
		{"runt", `[{}]`, udp[:2*13], notIPv4},
		{"nothing", `[{}]`, "", notIPv4},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := parseRules([]byte(c.rules))
			if err != nil {
				t.Fatal(err)
			}
			if got := judge(rules, unhex(t, c.frame)); got != c.want {
				t.Errorf("decided by %d, want %d", got, c.want)
			}
		})
	}
}

func TestFilterKeepsOrderAndCountsEverything(t *testing.T) {
	rules, err := parseRules([]byte(`[{"dst_port":80},{"dst_port":10002,"drop":true},{"dst_port":7}]`))
	if err != nil {
		t.Fatal(err)
	}
	var frames []frame
	for _, f := range []string{options, udp, arp, tcp80, icmp80, tagged, firstFragment} {
		frames = append(frames, frame{data: unhex(t, f)})
	}
	pass, table := filter(rules, frames)
	var got []string
	for _, f := range pass {
		got = append(got, hex.EncodeToString(f.data))
	}
	if want := []string{options, tcp80, firstFragment}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("passed\n%s\nwant\n%s", got, want)
	}
	if table.Total != 7 || table.Allowed != 3 || table.DroppedDefault != 1 || table.DroppedNotIPv4 != 2 {
		t.Errorf("table %+v", table)
	}
	if a, d := table.AllowedByRule, table.DroppedByRule; a[0] != 3 || a[1]+a[2] != 0 || d[1] != 1 || d[0]+d[2] != 0 {
		t.Errorf("by rule: allowed %v, dropped %v", a, d)
	}
}

func TestParseRulesRefuses(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{`[{"src_ip":"10.0.0.0/40"}]`, "rules[0]"},
		{`[{},{"dst_ip":"10.9.9.9"}]`, "rules[1]"},
		{`[{"dst_port":65536}]`, "dst_port"},
		{`[{"src_port":-1}]`, "src_port"},
		{`[`, "unexpected end"},
	} {
		if _, err := parseRules([]byte(c.rules)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.rules, err, c.want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, text := range []string{udp, tcp80, icmp80, firstFragment, laterFragment, options, tagged, arp, ""} {
		data, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	rules, err := parseRules([]byte(`[{"src_ip":"172.16.0.0/12","dst_port":80},{"dst_ip":"10.0.0.0/8"},{}]`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := judge(rules, data)
		if got == byDefault {
			t.Fatal("the last rule matches everything, yet nothing matched")
		}
		if got >= 0 && (len(data) < 34 || data[12] != 8 || data[13] != 0 || data[14]>>4 != 4) {
			t.Fatalf("rule %d matched a frame that is not IPv4", got)
		}
		if got == 0 && (data[26] != 172 || data[27]>>4 != 1) {
			t.Fatal("rule 0 matched a source outside its prefix")
		}
		if got == 1 && data[30] != 10 {
			t.Fatal("rule 1 matched a destination outside its prefix")
		}
	})
}
