// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"context"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/portinc"
	"github.com/bessform/terraform-provider-bess/examples/internal/rig"
)

// accounted stops the traffic and checks that every packet is accounted for:
// sent = received + dropped by the list.
func accounted(t *testing.T, d *rig.Daemon) {
	t.Helper()
	ctx := context.Background()
	d.Command("rx", "set_burst", &portinc.PortIncCommandSetBurstArg{Burst: 0})
	d.Must(d.PauseAll(ctx)) // what is under way comes out
	in, err := d.PortStats(ctx, "loop")
	d.Must(err)
	out, err := d.PortStats(ctx, "nowhere")
	d.Must(err)
	c, _ := d.Counters("fw")
	sent, received := in.GetInc().GetPackets(), out.GetOut().GetPackets()
	if dropped := c["dropped"] + c["no_rule"] + c["not_ipv4"]; sent != received+dropped || received != c["allowed"] || sent == 0 {
		t.Errorf("sent %d, received %d, dropped %d: %v", sent, received, dropped, c)
	}
	if c["dropped"] == 0 {
		t.Error("no rule has dropped anything: the list was not changed")
	}
}

// flow lets packets flow for a while.
func flow(t *testing.T, d *rig.Daemon) {
	t.Helper()
	d.Window(100_000, func() []uint64 { c, _ := d.Counters("fw"); return []uint64{c["allowed"]} })
}

// TestRulesUnderTrafficYAML changes the list back and forth while packets
// flow.
func TestRulesUnderTrafficYAML(t *testing.T) {
	d := rig.Start(t)
	d.Setenv("CAPTURE", file("traffic.pcap"))
	for range 3 {
		for _, rules := range []string{"live/rules.yaml", "live/rules2.yaml"} {
			d.MustBessctl("apply", file("live/live.yaml"), file(rules))
			flow(t, d)
		}
	}
	accounted(t, d)
}

func TestRulesUnderTrafficTerraform(t *testing.T) {
	d := rig.Start(t)
	tf := d.Terraform("acl/live", "capture="+file("traffic.pcap"))
	for _, l := range lists {
		tf.Set("rules=" + string(read(t, l.rules)))
		tf.Apply()
		flow(t, d)
	}
	tf.Unchanged()
	accounted(t, d)
	tf.Destroy()
	empty(t, d)
}
