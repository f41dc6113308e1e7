// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/schemas"
)

// Every row must be a pipeline whose arguments the schemas accept.
func TestRowsAreValid(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Rows() {
		if seen[row.Name] || row.Title == "" {
			t.Errorf("row %q is there twice or has no title", row.Name)
		}
		seen[row.Name] = true
		p := &pipeline{}
		row.build(p)
		if p.err != nil || p.measured == "" || len(p.ends()) == 0 {
			t.Errorf("%s: error %v, measured %q, %d ends", row.Name, p.err, p.measured, len(p.ends()))
		}
		class := map[string]string{}
		for _, m := range p.modules {
			class[m.name] = m.class
			c := schemas.ClassByName(m.class)
			if c == nil {
				continue // reported as missing
			}
			if _, err := message(c.Arg, m.args); err != nil {
				t.Errorf("%s: %s: %v", row.Name, m.name, err)
			}
		}
		for _, cmd := range p.commands[:min(len(p.commands), 20)] {
			c := schemas.ClassByName(class[cmd.module])
			if c == nil {
				continue
			}
			if _, err := message(c.Command(cmd.cmd).Arg, cmd.args); err != nil {
				t.Errorf("%s: %s: %v", row.Name, cmd.cmd, err)
			}
		}
	}
	if len(seen) != 38 {
		t.Errorf("%d rows, want 38", len(seen))
	}
}

func TestSpread(t *testing.T) {
	if got, want := spread([]float64{3, 1, 2, 10}), (Spread{2.5, 1, 10}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := *ratio([]float64{2, 9, 5}, []float64{1, 3, 0}), (Spread{2.5, 2, 3}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if ratio([]float64{1}, []float64{0}) != nil {
		t.Error("a ratio to nothing")
	}
}

func TestChecks(t *testing.T) {
	p := &pipeline{}
	good := p.frame("tcp", "10.0.0.1", "10.0.0.2", 60)
	if err := all(l4, within(offSrcIP, 4, 0x0a000001, 0x0a000001), equal(good))(good); err != nil {
		t.Error(err)
	}
	for name, i := range map[string]int{"EtherType": 12, "IPv4 checksum": 24, "TCP": 40} {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if l4(bad) == nil {
			t.Errorf("wrong %s passes", name)
		}
		if equal(good)(bad) == nil {
			t.Errorf("frame with wrong %s is equal", name)
		}
	}
	if within(offDstPort, 2, 1, 2)(good) == nil || within(offDstPort, 2, 1, 2)(good[:36]) == nil {
		t.Error("a wrong number passes")
	}
	short := bytes.Clone(good)
	short[17] = 200 // longer than the frame
	if l4(short[:20]) == nil || l4(short) == nil {
		t.Error("a cut packet passes")
	}
}

// The process that listens is found by its address.
func TestFindProcess(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	path := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }()
	for _, address := range []string{tcp.Addr().String(), "unix:" + path} {
		if pid, err := findProcess(address); err != nil || pid != os.Getpid() {
			t.Errorf("%s: process %d, %v; want %d", address, pid, err, os.Getpid())
		}
	}
	for _, address := range []string{"192.0.2.1:10514", "unix:/nowhere", "nonsense"} {
		if pid, err := findProcess(address); err == nil {
			t.Errorf("%s: process %d", address, pid)
		}
	}
}

func TestBusiest(t *testing.T) {
	a := map[string]time.Duration{"1": time.Second, "2": 0}
	b := map[string]time.Duration{"1": 2 * time.Second, "2": time.Millisecond, "3": time.Hour}
	delete(b, "3")
	if got := busiest(a, b); got != time.Second {
		t.Errorf("%v", got)
	}
}

func TestMarkdown(t *testing.T) {
	r := &Report{Machine: &Machine{CPU: "X", Cores: 2, Kernel: "6.1", Time: "now"}, Rows: []*RowResult{
		{Name: "a", Title: "A", Results: []Result{{Target: "one", Mpps: Spread{10, 9, 11}, NsPerPacket: 100},
			{Target: "two", Mpps: Spread{5, 4, 6}, NsPerPacket: 200}}, Ratio: &Spread{2, 1.5, 2.5}},
		{Name: "b", Title: "B", Missing: "two: class C"},
		{Name: "c", Title: "C", Error: "one: wrong output"},
	}}
	var b strings.Builder
	r.Markdown(&b)
	for _, want := range []string{
		"| `a` | A | 10.00 (9.00–11.00) | 100.0 | 5.00 (4.00–6.00) | 200.0 | 2.00 (1.50–2.50) |",
		"| `b` | B | | | | | missing: two: class C |",
		"| `c` | C | | | | | failed: one: wrong output |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nlacks %s", b.String(), want)
		}
	}
	if !r.Failed() {
		t.Error("not failed")
	}
}
