// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// show is what bessctl prints, with the numbers given.
func show(in, out, lost, allowed, dropped, noRule, notIPv4, rule uint64) []byte {
	return fmt.Appendf(nil, `[{"name": "fw", "class": "ACL", "counters": [
  {"name": "allowed", "value": %d}, {"name": "dropped", "value": %d}, {"name": "no_rule", "value": %d}, {"name": "not_ipv4", "value": %d}],
  "rules": [{"number": 0, "packets": %d, "rule": {"src_ip": "172.12.0.0/16"}}]}]
[{"name": "files", "in": {"packets": %d}, "out": {"packets": %d, "dropped": %d}}]`,
		allowed, dropped, noRule, notIPv4, rule, in, out, lost)
}

const want = `{"total":9,"allowed":4,"dropped_by_rule":[0],"allowed_by_rule":[4],"dropped_default":3,"dropped_not_ipv4":2}`

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out, show(9, 4, 0, 4, 0, 3, 2, 4), []byte(want)); err != nil {
		t.Error(err)
	}
	for _, l := range []string{"9  read from the recording", "4  decided by rule 1: pass from 172.12.0.0/16", "2  dropped, not IPv4"} {
		if !strings.Contains(out.String(), l) {
			t.Errorf("%q is not in\n%s", l, out.String())
		}
	}
}

func TestTableRefuses(t *testing.T) {
	for name, s := range map[string][]byte{
		"too few read":    show(8, 4, 0, 4, 0, 3, 2, 4),
		"one too many":    show(9, 5, 0, 5, 0, 2, 2, 5),
		"other rule":      show(9, 4, 0, 4, 0, 3, 2, 3),
		"dropped by rule": show(9, 4, 0, 4, 1, 2, 2, 4),
		"no rule":         show(9, 4, 0, 4, 0, 2, 3, 4),
		"lost":            show(9, 3, 1, 4, 0, 3, 2, 4),
		"not JSON":        []byte("bessctl: no daemon"),
		"no ports":        []byte("[]"),
		"no module":       []byte("[] []"),
	} {
		if err := table(&bytes.Buffer{}, s, []byte(want)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBalance(t *testing.T) {
	for _, c := range []struct {
		show []byte
		ok   bool
	}{
		{show(9000, 4000, 0, 4000, 1000, 3000, 1000, 5000), true},
		{show(9001, 4000, 0, 4000, 1000, 3000, 1000, 5000), false}, // one vanished
		{show(8999, 4000, 0, 4000, 1000, 3000, 1000, 5000), false}, // one too many
		{show(9000, 3999, 1, 4000, 1000, 3000, 1000, 5000), false}, // one lost by the port
		{show(9000, 3999, 0, 4000, 1000, 3000, 1001, 5000), false}, // one between list and port
		{show(0, 0, 0, 0, 0, 0, 0, 0), false},
	} {
		var out bytes.Buffer
		if err := balance(&out, c.show); (err == nil) != c.ok {
			t.Errorf("%v for\n%s", err, out.String())
		}
	}
}

// expectedPcap is a recording to compare with.
func expectedPcap(t *testing.T) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "expected.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPcap(t *testing.T) {
	want := expectedPcap(t)
	other := bytes.Clone(want)
	binary.LittleEndian.PutUint32(other[24:], 4711) // seconds of the first packet
	for name, file := range map[string][]byte{"itself": want, "another time": other} {
		var out bytes.Buffer
		if err := comparePcap(&out, file, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(out.String(), "290 packets, ") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestPcapRefuses(t *testing.T) {
	want := expectedPcap(t)
	last := bytes.Clone(want)
	last[len(last)-1] ^= 1
	first := bytes.Clone(want)
	first[40] ^= 0x80
	size := 16 + int(binary.LittleEndian.Uint32(want[32:])) // of the first record
	for name, file := range map[string][]byte{
		"last byte":         last,
		"first byte":        first,
		"first is missing":  append(bytes.Clone(want[:24]), want[24+size:]...),
		"first comes twice": append(bytes.Clone(want[:24+size]), want[24:]...),
		"cut":               want[:len(want)-1],
		"no packets":        want[:24],
		"no recording":      nil,
	} {
		if err := comparePcap(&bytes.Buffer{}, file, want); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRule(t *testing.T) {
	for want, r := range map[string]*rule{
		"?":        nil,
		"pass any": {},
		"drop from 10.0.0.0/8 from port 53 to 10.1.1.1 to port 80": {"10.0.0.0/8", "10.1.1.1", 53, 80, true},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"table"}, {"pcap", "check_test.go"}, {"balance", "does not exist"}, {"balance", "check_test.go"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
