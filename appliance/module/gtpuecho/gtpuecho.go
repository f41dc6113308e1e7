// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gtpuecho is the module class GtpuEcho (spec: modules/mobile.md).
package gtpuecho

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes GtpuEcho.
var Class = &module.Class{
	Name:       "GtpuEcho",
	Prefix:     "gtpu_echo",
	Help:       "answers GTP-U echo requests",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*GtpuEchoArg)(nil),
	Counters: []module.CounterDoc{
		countOther:    {Name: "not_request", Unit: "packets", Help: "sent to gate 0: no well-formed GTP-U echo request"},
		countNotForUs: {Name: "not_for_us", Unit: "packets", Help: "sent to gate 0: a request to another address"},
		countRoom:     {Name: "no_tailroom", Unit: "packets", Help: "sent to gate 0: no room for the recovery element at the end"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countOther = iota
	countNotForUs
	countRoom
	counts
)

// Output gates.
const (
	gateOther = iota
	gateResponse
)

// The recovery element: its type, and a restart counter that is not used
// (3GPP TS 29.281 section 8.2).
const (
	recoveryType = 14
	recoveryLen  = 2
)

// anyBelow is the smallest address a host can have. Below is 0.0.0.0/8, and
// there is no telling whether a request is meant for such an address.
const anyBelow = 0x01000000

// validate checks the argument.
func validate(arg *GtpuEchoArg) (uint32, error) {
	if arg.GetS1USgwIp() == 0 {
		return 0, module.Invalid("s1u_sgw_ip", 0, "must be the own IPv4 address as a number, 10.0.0.1 is 0x0a000001")
	}
	return arg.GetS1USgwIp(), nil
}

// GtpuEcho is an instance. Safe for use by several workers.
type GtpuEcho struct {
	own atomic.Uint32 // address
}

func create(_ *module.Env, arg *GtpuEchoArg) (*GtpuEcho, error) {
	m := &GtpuEcho{}
	if err := m.Update(arg); err != nil {
		return nil, err
	}
	return m, nil
}

// Update changes the address in place.
func (m *GtpuEcho) Update(arg proto.Message) error {
	own, err := validate(arg.(*GtpuEchoArg))
	if err != nil {
		return err
	}
	m.own.Store(own)
	return nil
}

// Process turns requests into responses and sends them to gate 1; all else
// goes to gate 0, unchanged.
func (m *GtpuEcho) Process(ctx *module.Context, b *packet.Batch) {
	own := m.own.Load()
	var failed [counts]uint64
	for _, p := range b.Packets() {
		if count := respond(p, own); count >= 0 {
			failed[count]++
			ctx.Emit(p, gateOther)
			continue
		}
		ctx.Emit(p, gateResponse)
	}
	for i, n := range failed {
		if n > 0 {
			ctx.Count(i, n)
		}
	}
}

// respond makes p the response to itself. It returns the counter of what kept
// it from doing so, with p unchanged, or -1.
func respond(p packet.Packet, own uint32) int {
	f, ok := header.ParseGTPUFrame(p.Bytes(), p.Len())
	if !ok || f.UDP.DstPort() != header.GTPUPort || f.GTP.Type() != header.GTPUEchoRequest {
		return countOther
	}
	if own >= anyBelow && f.IP.Dst() != own {
		return countNotForUs
	}
	// The element follows the message. What comes after that is padding, and
	// is overwritten.
	end := f.End + recoveryLen
	length := end - f.At
	if length > 0xffff-f.At || p.Len() < end && !p.Append(end-p.Len()) {
		return countRoom
	}
	b := p.Bytes()
	b[f.End], b[f.End+1] = recoveryType, 0
	f.GTP.SetType(header.GTPUEchoResponse)
	f.GTP.SetLength(uint16(length - header.GTPULen))
	src, dst := f.UDP.SrcPort(), f.UDP.DstPort()
	f.UDP.SetSrcPort(dst)
	f.UDP.SetDstPort(src)
	f.UDP.SetLength(uint16(length + header.UDPLen))
	f.UDP.SetChecksum(0)
	from, to := f.IP.Src(), f.IP.Dst()
	f.IP.SetSrc(to)
	f.IP.SetDst(from)
	f.IP.SetTotalLen(uint16(end - header.EthernetLen))
	f.IP.SetChecksum(0)
	p.SetFlags(p.Flags() &^ packet.FlagPartialChecksum)
	return -1
}
