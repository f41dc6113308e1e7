// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Command runs a command of a module.
func (d *Daemon) Command(module, cmd string, arg proto.Message) {
	d.t.Helper()
	packed, err := anypb.New(arg)
	d.Must(err)
	_, err = d.Client.Command(context.Background(), module, cmd, packed)
	d.Must(err)
}

// Left returns how many packets have left a module through an output gate.
func (d *Daemon) Left(module string, ogate uint64) uint64 {
	d.t.Helper()
	info, err := d.Module(context.Background(), module)
	d.Must(err)
	for _, o := range info.GetOgates() {
		if o.GetOgate() == ogate {
			return o.GetPkts()
		}
	}
	d.t.Fatalf("module %s: output gate %d is not connected", module, ogate)
	return 0
}

// Counters returns a module's own counters, and how many packets each of its
// rules has decided.
func (d *Daemon) Counters(module string) (byName map[string]uint64, rules []uint64) {
	d.t.Helper()
	c, err := d.ModuleCounters(context.Background(), module)
	d.Must(err)
	byName = map[string]uint64{}
	for _, c := range c.GetCounters() {
		byName[c.GetName()] = c.GetValue()
	}
	return byName, c.GetRulePackets()
}

// Stand runs f while no worker runs, so that what f reads belongs together.
func (d *Daemon) Stand(f func()) {
	d.t.Helper()
	ctx := context.Background()
	d.Must(d.PauseAll(ctx))
	f()
	_, err := d.ResumeAll(ctx)
	d.Must(err)
}

// Window returns by how much counters grow while traffic flows: read is called
// twice while all workers stand still, and between that the first of the
// counters grows by at least the given number.
func (d *Daemon) Window(atLeast uint64, read func() []uint64) []uint64 {
	d.t.Helper()
	var from, to []uint64
	d.Stand(func() { from = read() })
	Eventually(d.t, "packets flow", func() bool { return read()[0]-from[0] >= atLeast })
	d.Stand(func() { to = read() })
	for i := range to {
		to[i] -= from[i]
	}
	return to
}
