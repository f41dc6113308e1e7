// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package acl runs the access list on the recording, as YAML and as Terraform,
// and compares what comes out with the expectation, byte for byte. After that
// comes everything that can go wrong.
package acl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// lists are the rule lists and what is expected of each.
var lists = []struct{ rules, pcap, table string }{
	{"rules.json", "expected.pcap", "expected.json"},
	{"rules2.json", "expected2.pcap", "expected2.json"},
}

// file returns the path of a file of the example.
func file(name string) string { return rig.Example("acl/" + name) }

// read returns the content of a file of the example.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(file(name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// packets returns the packets of a recording.
func packets(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var list [][]byte
	for {
		p, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%s: packet %d: %v", path, len(list)+1, err)
		}
		list = append(list, p)
	}
}

// through waits until the port has read its recording to the end: a file that
// gives no packet has no more.
func through(t *testing.T, d *rig.Daemon, port string) {
	t.Helper()
	rig.Eventually(t, "the recording has ended", func() bool {
		stats, err := d.PortStats(context.Background(), port)
		d.Must(err)
		return stats.GetInc().GetActualHist()[0] > 0
	})
}

// compare checks what has come out of the pipeline.
func compare(t *testing.T, d *rig.Daemon, result, pcap, table string) {
	t.Helper()
	through(t, d, "files")
	got, want := packets(t, result), packets(t, file(pcap))
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d packets came out, %d are expected, or they differ", len(got), len(want))
	}
	var e struct {
		Total          uint64
		Allowed        uint64
		DroppedByRule  []uint64 `json:"dropped_by_rule"`
		AllowedByRule  []uint64 `json:"allowed_by_rule"`
		DroppedDefault uint64   `json:"dropped_default"`
		DroppedNotIPv4 uint64   `json:"dropped_not_ipv4"`
	}
	if err := json.Unmarshal(read(t, table), &e); err != nil {
		t.Fatal(err)
	}
	stats, err := d.PortStats(context.Background(), "files")
	d.Must(err)
	if stats.GetInc().GetPackets() != e.Total || stats.GetOut().GetPackets() != e.Allowed || stats.GetOut().GetDropped() != 0 {
		t.Errorf("port: %v", stats)
	}
	c, rules := d.Counters("fw")
	dropped := uint64(0)
	for i, n := range e.DroppedByRule {
		dropped += n
		if want := n + e.AllowedByRule[i]; i >= len(rules) || rules[i] != want {
			t.Errorf("rule %d has not decided %d packets: %d", i, want, rules)
		}
	}
	if c["allowed"] != e.Allowed || c["dropped"] != dropped || c["no_rule"] != e.DroppedDefault || c["not_ipv4"] != e.DroppedNotIPv4 {
		t.Errorf("the list counts %v, want %+v", c, e)
	}
}

// withRules writes acl.yaml with another list. JSON is YAML.
func withRules(t *testing.T, rules string) string {
	t.Helper()
	head, tail, ok := strings.Cut(string(read(t, "acl.yaml")), "        rules:")
	_, rest, ok2 := strings.Cut(tail, "    tx:")
	if !ok || !ok2 {
		t.Fatal("acl.yaml has no list where it is looked for")
	}
	path := filepath.Join(t.TempDir(), "acl.yaml")
	text := head + "        rules: " + strings.Join(strings.Fields(string(read(t, rules))), " ") + "\n    tx:" + rest
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestYAML(t *testing.T) {
	for _, l := range lists {
		t.Run(l.rules, func(t *testing.T) {
			d, result := rig.Start(t), filepath.Join(t.TempDir(), "out.pcap")
			d.Setenv("CAPTURE", file("traffic.pcap"))
			d.Setenv("RESULT", result)
			yaml := file("acl.yaml")
			if l.rules != "rules.json" {
				yaml = withRules(t, l.rules)
			}
			d.MustBessctl("validate", yaml)
			d.MustBessctl("apply", yaml)
			compare(t, d, result, l.pcap, l.table)
			d.MustBessctl("diff", yaml)
		})
	}
}

func TestTerraform(t *testing.T) {
	for _, l := range lists {
		t.Run(l.rules, func(t *testing.T) {
			d, result := rig.Start(t), filepath.Join(t.TempDir(), "out.pcap")
			tf := d.Terraform("acl", "capture="+file("traffic.pcap"), "result="+result, "rules="+string(read(t, l.rules)))
			tf.Apply()
			compare(t, d, result, l.pcap, l.table)
			tf.Unchanged()
			tf.Destroy()
			empty(t, d)
		})
	}
}

// empty checks that nothing is left on the daemon, no worker either.
func empty(t *testing.T, d *rig.Daemon) {
	t.Helper()
	workers, err := d.Workers(context.Background())
	d.Must(err)
	if left := d.Contents(); len(left)+len(workers) > 0 {
		t.Errorf("left over: %v %v", left, workers)
	}
}

// TestDaemonStartsWithYAML gives the file to the daemon itself.
func TestDaemonStartsWithYAML(t *testing.T) {
	result := filepath.Join(t.TempDir(), "out.pcap")
	t.Setenv("CAPTURE", file("traffic.pcap"))
	t.Setenv("RESULT", result)
	d := rig.Start(t, "-declaration", file("acl.yaml"))
	compare(t, d, result, "expected.pcap", "expected.json")
}
