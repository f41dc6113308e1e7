// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tutorial

import (
	"encoding/json"
	"testing"

	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

// passing checks how many of six packets pass the access list.
func passing(t *testing.T, d *rig.Daemon, want uint64) {
	t.Helper()
	n := d.Window(many, func() []uint64 { return []uint64{d.Left("stamp", 0), d.Left("fw", 0)} })
	if n[1] != n[0]/6*want {
		t.Errorf("%d of %d packets pass, want %d of six", n[1], n[0], want)
	}
}

// summary reads the table of module measure, and clears it if asked to.
func summary(t *testing.T, d *rig.Daemon, arg string) (packets, samples uint64) {
	t.Helper()
	out := d.MustBessctl("-o", "json", "command", "module", "measure", "get_summary", arg)
	var answer struct {
		Packets uint64
		Latency struct {
			Count              uint64
			PercentileValuesNs []uint64 `json:"percentile_values_ns"`
		}
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if n := len(answer.Latency.PercentileValuesNs); n != 2 {
		t.Errorf("%d percentiles, want 2:\n%s", n, out)
	}
	return answer.Packets, answer.Latency.Count
}

func TestCommands(t *testing.T) {
	each(t, "commands", "commands.yaml", func(t *testing.T, d *rig.Daemon) {
		d.MustBessctl("command", "module", "src", "set_burst", "{burst: 60}")
		passing(t, d, 3)
		d.MustBessctl("command", "module", "fw", "add", "{rules: [{src_ip: 192.168.0.0/16}]}")
		passing(t, d, 4)
		d.MustBessctl("command", "module", "fw", "clear")
		passing(t, d, 0)
		d.Stand(func() {
			packets, samples := summary(t, d, "{latency_percentiles: [50, 99], clear: true}")
			if want := d.Left("fw", 0); packets != want || samples != want {
				t.Errorf("measure has seen %d packets, %d with a mark; %d came out of the access list", packets, samples, want)
			}
			if packets, _ := summary(t, d, "{latency_percentiles: [50, 99]}"); packets != 0 {
				t.Errorf("%d packets after clearing, want none", packets)
			}
		})
		if out, err := d.Bessctl("command", "module", "fw", "add", "{rules: [{src_ip: 10.0.0.0/40}]}"); err == nil {
			t.Errorf("a rule with a bad address was taken: %s", out)
		}
		passing(t, d, 0)
	})
}

// TestRulesInPlace changes the list where it is declared: the running module
// takes it over and goes on counting.
func TestRulesInPlace(t *testing.T) {
	d := rig.Start(t)
	tf := d.Terraform("tutorial/commands")
	tf.Apply()
	d.MustBessctl("command", "module", "src", "set_burst", "{burst: 60}")
	passing(t, d, 3)
	before, _ := d.Counters("fw")
	tf.Set(`pass=["172.12.0.0/16", "172.16.0.0/12"]`)
	tf.Apply()
	tf.Unchanged()
	passing(t, d, 5)
	if after, rules := d.Counters("fw"); after["allowed"] < before["allowed"] || len(rules) != 2 || rules[0] < before["allowed"] {
		t.Errorf("counters started again: %v, then %v and %v by rule", before, after, rules)
	}
}
