// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipchecksum is the module class IPChecksum: the header checksum of
// IPv4, computed or verified (spec: modules/headers.md).
package ipchecksum

import (
	"encoding/binary"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPChecksum",
	Prefix:     "ip_checksum",
	Help:       "computes the header checksum of IPv4, or verifies it",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*IPChecksumArg)(nil),
	Counters: []module.CounterDoc{
		countWrong:   {Name: "wrong", Unit: "packets", Help: "sent to gate 1: the checksum is wrong, or the header so broken that none can be right"},
		countNoField: {Name: "malformed", Unit: "packets", Help: "passed on unmodified: IPv4 that ends before its header does (not with verify)"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countWrong = iota
	countNoField
)

// What an instance does.
const (
	compute uint32 = iota
	verify
	verifyHW // go by the verdict of the network interface
)

// IPChecksum is an instance. Safe for use by several workers.
type IPChecksum struct {
	mode atomic.Uint32
}

func create(_ *module.Env, arg *IPChecksumArg) (*IPChecksum, error) {
	m := &IPChecksum{}
	return m, m.Update(arg)
}

// Update takes a new creation argument.
func (m *IPChecksum) Update(arg proto.Message) error {
	a := arg.(*IPChecksumArg)
	switch {
	case a.GetVerify() && a.GetHw():
		m.mode.Store(verifyHW)
	case a.GetVerify():
		m.mode.Store(verify)
	default:
		m.mode.Store(compute)
	}
	return nil
}

// Process writes the checksums, or sends packets with a wrong one to gate 1;
// all others leave on gate 0.
func (m *IPChecksum) Process(ctx *module.Context, b *packet.Batch) {
	mode := m.mode.Load()
	if mode == compute {
		m.compute(ctx, b)
		return
	}
	slots, n, wrong := b.Slots(), 0, 0
	for _, p := range b.Packets() {
		if mode == verify && right(p.Bytes()) || mode == verifyHW && p.Flags()&packet.FlagBadIPChecksum == 0 {
			slots[n] = p
			n++
			continue
		}
		wrong++
		ctx.Emit(p, 1)
	}
	b.SetLen(n)
	if wrong > 0 {
		ctx.Count(countWrong, uint64(wrong))
	}
	ctx.EmitBatch(b, 0)
}

// What the usual frame begins with: Ethernet and IPv4 without tags and options.
const (
	plainLen  = header.EthernetLen + header.IPv4MinLen
	plainIPv4 = 0x080045 // EtherType, version and header length
)

func (*IPChecksum) compute(ctx *module.Context, b *packet.Batch) {
	malformed := 0
	for _, p := range b.Packets() {
		d := p.Bytes()
		if len(d) >= plainLen && binary.BigEndian.Uint32(d[12:16])>>8 == plainIPv4 && p.Flags() == 0 {
			header.IPv4(d[header.EthernetLen:plainLen]).UpdatePlainChecksum()
			continue
		}
		at, ok := find(d)
		if !ok {
			continue
		}
		if !write(d[at:]) {
			malformed++
			continue
		}
		if f := p.Flags(); f&packet.FlagBadIPChecksum != 0 {
			p.SetFlags(f &^ packet.FlagBadIPChecksum)
		}
	}
	if malformed > 0 {
		ctx.Count(countNoField, uint64(malformed))
	}
	ctx.EmitBatch(b, 0)
}

// find returns where the IPv4 header of a frame begins; ok is false if the
// frame is not IPv4.
func find(frame []byte) (at int, ok bool) {
	if len(frame) < header.EthernetLen {
		return 0, false
	}
	if binary.BigEndian.Uint16(frame[12:14]) == header.TypeIPv4 {
		return header.EthernetLen, true
	}
	etherType, at, ok := header.SkipTags(frame)
	return at, ok && etherType == header.TypeIPv4
}

// write writes the checksum of the header at the start of b, zero if the
// header says it is shorter than 20 bytes (spec: modules/README.md section
// 2.5). It returns false if the bytes end before the header.
func write(b []byte) bool {
	if len(b) < header.IPv4MinLen {
		return false
	}
	ip := header.IPv4(b)
	switch n := ip.HeaderLen(); {
	case n < header.IPv4MinLen:
		ip.SetChecksum(0)
	case n > len(b):
		return false
	default:
		ip.UpdateChecksum()
	}
	return true
}

// right reports whether a frame is not IPv4 or has the right checksum.
func right(frame []byte) bool {
	at, ok := find(frame)
	if !ok {
		return true
	}
	ip := header.IPv4(frame[at:])
	return len(ip) >= header.IPv4MinLen && ip.HeaderLen() >= header.IPv4MinLen && ip.HeaderLen() <= len(ip) && ip.ChecksumOK()
}
