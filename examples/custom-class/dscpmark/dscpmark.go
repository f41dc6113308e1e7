// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package dscpmark is a module class made outside the appliance: it marks IPv4
// packets with a differentiated services code point.
package dscpmark

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "DSCPMark",
	Prefix:     "dscp_mark",
	Help:       "marks IPv4 packets with a code point",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*DSCPMarkArg)(nil),
	Counters: []module.CounterDoc{
		countMarked:  {Name: "marked", Unit: "packets", Help: "have the code point now"},
		countNotIPv4: {Name: "not_ipv4", Unit: "packets", Help: "passed unchanged"},
	},
	Commands: []module.Command{
		module.Do("set", module.Concurrent, "changes the code point", (*DSCPMark).set),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countMarked = iota
	countNotIPv4
)

const maxDSCP = 63

// DSCPMark is an instance. Workers read the code point while a command sets it.
type DSCPMark struct {
	dscp atomic.Uint32
}

func create(_ *module.Env, arg *DSCPMarkArg) (*DSCPMark, error) {
	m := &DSCPMark{}
	return m, m.set(arg)
}

// Process marks a batch: no lock, no allocation, and no byte outside a packet.
func (m *DSCPMark) Process(ctx *module.Context, b *packet.Batch) {
	dscp := uint8(m.dscp.Load())
	marked := 0
	for _, p := range b.Packets() {
		if mark(p.Bytes(), dscp) {
			marked++
		}
	}
	ctx.Count(countMarked, uint64(marked))
	ctx.Count(countNotIPv4, uint64(b.Len()-marked))
	ctx.EmitBatch(b, 0)
}

// mark reports whether a frame is IPv4; the two bits of congestion
// notification stay.
func mark(frame []byte, dscp uint8) bool {
	eth, ok := header.ParseEthernet(frame)
	if !ok || eth.Type() != header.TypeIPv4 {
		return false
	}
	ip, ok := header.ParseIPv4(frame, header.EthernetLen)
	if !ok {
		return false
	}
	old := ip.TOS()
	tos := dscp<<2 | old&3
	ip.SetTOS(tos)
	ip.SetChecksum(header.Update16(ip.Checksum(), uint16(old), uint16(tos)))
	return true
}

// set is the command, and what creation does.
func (m *DSCPMark) set(arg *DSCPMarkArg) error {
	if arg.GetDscp() > maxDSCP {
		return module.Invalid("dscp", arg.GetDscp(), "must be 0..%d", maxDSCP)
	}
	m.dscp.Store(arg.GetDscp())
	return nil
}

// Update takes a new creation argument while packets flow.
func (m *DSCPMark) Update(arg proto.Message) error { return m.set(arg.(*DSCPMarkArg)) }

// Desc is shown in lists.
func (m *DSCPMark) Desc() string { return fmt.Sprintf("DSCP %d", m.dscp.Load()) }
