// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vlanpush is the module class VLANPush: it adds a VLAN tag (spec:
// modules/headers.md).
package vlanpush

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "VLANPush",
	Prefix:     "vlan_push",
	Help:       "adds a VLAN tag",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*VLANPushArg)(nil),
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_headroom", Unit: "packets", Help: "passed on unmodified: no room for the tag in front"},
		countShort:  {Name: "short", Unit: "packets", Help: "passed on unmodified: no whole Ethernet header"},
	},
	Commands: []module.Command{
		module.Do("set_tci", module.Concurrent, "sets the content of the tag", (*VLANPush).setTCI),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countNoRoom = iota
	countShort
)

// validate returns the content of the tag.
func validate(arg *VLANPushArg) (uint16, error) {
	if tci := arg.GetTci(); tci <= 0xffff {
		return uint16(tci), nil
	}
	return 0, module.Invalid("tci", arg.GetTci(), "must be 0..65535")
}

// VLANPush is an instance. Safe for use by several workers.
type VLANPush struct {
	tci atomic.Uint32 // 0..65535
}

func create(_ *module.Env, arg *VLANPushArg) (*VLANPush, error) {
	m := &VLANPush{}
	return m, m.setTCI(arg)
}

// Process adds the tag and sends everything to gate 0.
func (m *VLANPush) Process(ctx *module.Context, b *packet.Batch) {
	first, other := header.Tags(uint16(m.tci.Load()))
	ps := b.Packets()
	if left := packet.PushTags(ps, first, other); left != 0 {
		countLeft(ctx, ps, left)
	}
	ctx.EmitBatch(b, 0)
}

// countLeft counts the packets, in bits, that have no tag.
func countLeft(ctx *module.Context, ps []packet.Packet, left uint64) {
	for ; left != 0; left &= left - 1 {
		if ps[bits.TrailingZeros64(left)].Len() < header.EthernetLen {
			ctx.Count(countShort, 1)
		} else {
			ctx.Count(countNoRoom, 1)
		}
	}
}

func (m *VLANPush) setTCI(arg *VLANPushArg) error {
	tci, err := validate(arg)
	if err != nil {
		return err
	}
	m.tci.Store(uint32(tci))
	return nil
}

// Update takes a new creation argument.
func (m *VLANPush) Update(arg proto.Message) error { return m.setTCI(arg.(*VLANPushArg)) }

// Desc returns the parts of the tag.
func (m *VLANPush) Desc() string {
	tci := m.tci.Load()
	return fmt.Sprintf("PCP=%d DEI=%d VID=%d", tci>>13, tci>>12&1, tci&header.MaxVID)
}
