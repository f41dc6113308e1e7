// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package mplspop is the module class MPLSPop: it removes one MPLS label (RFC
// 3032; spec: modules/headers.md).
package mplspop

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "MPLSPop",
	Prefix:     "mpls_pop",
	Help:       "removes the outermost MPLS label",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countOther:   {Name: "not_mpls", Unit: "packets", Help: "sent to gate 1 unmodified: no MPLS label"},
		countStacked: {Name: "stacked", Unit: "packets", Help: "sent to gate 0 with another label left"},
	},
	Commands: []module.Command{
		module.Do("set", module.Concurrent, "sets what becomes of the Ethernet header", (*MPLSPop).set),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countOther = iota
	countStacked
)

// settings say what becomes of the Ethernet header: the next EtherType in the
// low 16 bits, 0 to leave it as it is, and bareBit to remove the header.
type settings = uint32

const bareBit settings = 1 << 16

// validate returns the settings of an argument.
func validate(arg *MplsPopArg) (settings, error) {
	t := arg.GetNextEthType()
	if t > 0xffff {
		return 0, module.Invalid("next_eth_type", t, "must be 0..65535")
	}
	if arg.GetRemoveEthHeader() {
		t |= bareBit
	}
	return t, nil
}

// MPLSPop is an instance. Safe for use by several workers.
type MPLSPop struct {
	settings atomic.Uint32
}

func create(*module.Env, *api.EmptyArg) (*MPLSPop, error) {
	m := &MPLSPop{}
	m.settings.Store(uint32(header.TypeIPv4))
	return m, nil
}

func (m *MPLSPop) set(arg *MplsPopArg) error {
	s, err := validate(arg)
	if err != nil {
		return err
	}
	m.settings.Store(s)
	return nil
}

// Process removes the label of MPLS packets, which leave on gate 0. All others
// leave on gate 1.
func (m *MPLSPop) Process(ctx *module.Context, b *packet.Batch) {
	set := m.settings.Load()
	slots, n, others, stacked := b.Slots(), 0, 0, 0
	for _, p := range b.Packets() {
		bottom, ok := pop(p, set)
		if !ok {
			others++
			ctx.Emit(p, 1)
			continue
		}
		if !bottom {
			stacked++
		}
		slots[n] = p
		n++
	}
	b.SetLen(n)
	if others|stacked > 0 {
		ctx.Count(countOther, uint64(others))
		ctx.Count(countStacked, uint64(stacked))
	}
	ctx.EmitBatch(b, 0)
}

// Parts of a label as it lies in memory.
const (
	labelLen = 4
	// bottomBit is set in the third byte of the last label of a stack.
	bottomBit = 1
)

// pop removes the label of one packet; ok is false, and nothing has changed,
// if it has none. bottom tells whether it was the last.
func pop(p packet.Packet, set settings) (bottom, ok bool) {
	le := binary.LittleEndian
	d := p.Bytes()
	if len(d) < header.EthernetLen+labelLen {
		return false, false
	}
	t := binary.BigEndian.Uint16(d[12:14])
	if t != header.TypeMPLS && t != header.TypeMPLSMulticast {
		return false, false
	}
	bottom = d[header.EthernetLen+2]&bottomBit != 0
	if set&bareBit != 0 {
		return bottom, p.Adjust(header.EthernetLen + labelLen)
	}
	if next := uint16(set); bottom && next != 0 {
		t = next
	}
	lo, hi := le.Uint64(d[0:8]), le.Uint32(d[8:12])
	le.PutUint64(d[4:12], lo)
	le.PutUint32(d[12:16], hi)
	binary.BigEndian.PutUint16(d[16:18], t)
	return bottom, p.Adjust(labelLen)
}
