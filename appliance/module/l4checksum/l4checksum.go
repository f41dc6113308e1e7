// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package l4checksum is the module class L4Checksum: the checksum of TCP and
// UDP, computed or verified (spec: modules/headers.md).
package l4checksum

import (
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "L4Checksum",
	Prefix:     "l4_checksum",
	Help:       "computes the checksum of TCP and UDP, or verifies it",
	IGates:     module.MaxGates,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*L4ChecksumArg)(nil),
	Counters: []module.CounterDoc{
		countWrong:     {Name: "wrong", Unit: "packets", Help: "sent to gate 1: the checksum is wrong, or the length such that none can be right"},
		countMalformed: {Name: "malformed", Unit: "packets", Help: "passed on unmodified: TCP or UDP that is longer than its packet (not with verify)"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countWrong = iota
	countMalformed
)

// What an instance does.
const (
	compute uint32 = iota
	verify
	verifyHW // go by the verdict of the network interface
)

// L4Checksum is an instance. Safe for use by several workers.
type L4Checksum struct {
	mode atomic.Uint32
}

func create(_ *module.Env, arg *L4ChecksumArg) (*L4Checksum, error) {
	m := &L4Checksum{}
	return m, m.Update(arg)
}

// Update takes a new creation argument.
func (m *L4Checksum) Update(arg proto.Message) error {
	a := arg.(*L4ChecksumArg)
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
func (m *L4Checksum) Process(ctx *module.Context, b *packet.Batch) {
	mode := m.mode.Load()
	if mode == compute {
		m.compute(ctx, b)
		return
	}
	slots, n, wrong := b.Slots(), 0, 0
	for _, p := range b.Packets() {
		if mode == verify && right(p) || mode == verifyHW && p.Flags()&packet.FlagBadL4Checksum == 0 {
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

// compute writes the checksums.
func (*L4Checksum) compute(ctx *module.Context, b *packet.Batch) {
	ps := b.Packets()
	malformed := 0
	for rest := computeShort(ps); rest != 0; rest &= rest - 1 {
		p := ps[bits.TrailingZeros64(rest)]
		if !writePlain(p) && !write(p) {
			malformed++
		}
	}
	if malformed > 0 {
		ctx.Count(countMalformed, uint64(malformed))
	}
	ctx.EmitBatch(b, 0)
}

// shortSum is up to which length computeShort adds faster than header.Sum.
const shortSum = 96

// computeShort writes the checksums of short frames of the commonest kind, see
// plain, in one loop without calls. The bits of its result tell the others.
func computeShort(ps []packet.Packet) (rest uint64) {
	for i, p := range ps {
		d := p.Bytes()
		if !plainIPv4(d) {
			rest |= 1 << (i & 63)
			continue
		}
		field, end := plainEnds(d)
		if field == 0 || end > len(d) || end > plainAddrs+shortSum {
			rest |= 1 << (i & 63)
			continue
		}
		// A sum does not depend on the byte order, up to a final swap: words are
		// added as the machine reads them, as many as it reads at once.
		at, data := d[field:field+2], d[plainAddrs:end]
		sum := pseudo(d[23], end) + uint64(^le.Uint16(at))
		last := le.Uint64(data[len(data)-8:])
		for len(data) >= 32 {
			one, carry := bits.Add64(le.Uint64(data[0:8]), le.Uint64(data[8:16]), 0)
			one, carry = bits.Add64(one, le.Uint64(data[16:24]), carry)
			one, carry = bits.Add64(one, le.Uint64(data[24:32]), carry)
			sum += carry + one>>32 + one&0xffffffff
			data = data[32:]
		}
		for len(data) >= 8 {
			x := le.Uint64(data)
			sum += x>>32 + x&0xffffffff
			data = data[8:]
		}
		last = last >> (uint(56-8*len(data)) & 63) >> 8 // those of the last eight bytes that are left
		check := ^header.Fold64(sum + last>>32 + last&0xffffffff)
		if check == 0 && field == plainL4+udpField {
			check = 0xffff
		}
		le.PutUint16(at, check)
		settle(p)
	}
	return rest
}

// writePlain writes the checksum of a packet that plain knows.
func writePlain(p packet.Packet) bool {
	d := p.Bytes()
	field, end := plain(d)
	if field == 0 {
		return false
	}
	at := d[field : field+2]
	sum := ^header.Fold(plainSum(d, end) + uint32(^be.Uint16(at)))
	if sum == 0 && field == plainL4+udpField {
		sum = 0xffff
	}
	be.PutUint16(at, sum)
	settle(p)
	return true
}

// write writes the checksum of any packet that should have one and returns
// false if it ends too early for that.
func write(p packet.Packet) bool {
	switch s := find(p.Bytes(), p.TotalLen()); s.kind {
	case other:
	case cut:
		return false
	case tooShort:
		s.write(p, 0)
	default:
		sum := ^header.Fold(s.sum(p) + uint32(^s.checksum(p)))
		if s.udp {
			sum = header.NonZero(sum)
		}
		s.write(p, sum)
	}
	return true
}

// right reports whether a packet is not for us or has the right checksum. One
// that the local sender left for the hardware to complete counts as right.
func right(p packet.Packet) bool {
	d := p.Bytes()
	if field, end := plain(d); field != 0 && header.Fold(plainSum(d, end)) == 0xffff {
		return true
	}
	s := find(p.Bytes(), p.TotalLen())
	switch {
	case s.kind == other || p.Flags()&packet.FlagPartialChecksum != 0:
		return true
	case s.kind != whole:
		return false
	case s.udp && s.checksum(p) == 0:
		return !s.v6 // RFC 8200 section 8.1
	}
	return header.Fold(s.sum(p)) == 0xffff
}
