// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpudecap_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/gtpudecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Frames longer than a buffer come out whole.
func TestSeveralSegments(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpudecap.Class, nil)
	inner := make([]byte, 14+8000)
	header.Ethernet(inner).SetType(header.TypeIPv4)
	header.IPv4(inner[14:]).Encode(&header.IPv4Fields{TotalLen: 8000, TTL: 1, Protocol: header.ProtoUDP})
	outer := make([]byte, 36+len(inner))
	copy(outer, inner[:14])
	header.IPv4(outer[14:]).Encode(&header.IPv4Fields{TotalLen: 8036, TTL: 1, Protocol: header.ProtoUDP})
	header.UDP(outer[34:]).Encode(&header.UDPFields{DstPort: header.GTPUPort, Length: 8016})
	header.GTPU(outer[42:]).Encode(&header.GTPUFields{Type: header.GTPUDataPacket, Length: 8000})
	copy(outer[50:], inner[14:])
	h.Send("m", 0, outer)
	if out := h.Out("m", 0); len(out) != 1 || !bytes.Equal(out[0], inner) {
		t.Fatalf("%d frames", len(out))
	}
	h.Send("m", 0, outer[:len(outer)-1])
	if out := h.Out("m", 0); len(out) != 1 || len(out[0]) != len(outer)-1 || h.Counter("m", "not_gtpu") != 1 {
		t.Errorf("a truncated frame: %d frames", len(out))
	}
}

// flags is a module that marks packets as having a partial checksum, or tells
// about the mark.
type flags struct{ seen uint32 }

func (f *flags) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		f.seen = p.Flags()
		p.SetFlags(packet.FlagPartialChecksum)
		p.SetChecksumPlace(34, 40)
	}
	ctx.EmitBatch(b, 0)
}

// The checksum that somebody was to complete is gone with the outer headers;
// completing it would damage the inner packet.
func TestPartialChecksumGoesWithTheOuterHeaders(t *testing.T) {
	h := moduletest.New(t)
	before, after := &flags{}, &flags{}
	for name, f := range map[string]*flags{"before": before, "after": after} {
		h.MustCreate(name, &module.Class{Name: "Flags", IGates: 1, OGates: 1,
			New: func(*module.Env, proto.Message) (module.Module, error) { return f, nil }}, nil)
	}
	h.MustCreate("m", gtpudecap.Class, nil)
	h.Connect("before", 0, "m", 0)
	h.Connect("m", 0, "after", 0)
	h.Send("before", 0, moduletest.Frame(g1))
	if out := h.Out("after", 0); len(out) != 1 || after.seen != 0 {
		t.Errorf("%d frames, flags %#x", len(out), after.seen)
	}
}
