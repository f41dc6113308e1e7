// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpuencap_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/gtpuencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// partial is a module that marks packets as having a partial checksum, like
// a port does with what local senders leave to the hardware.
type partial struct{}

func (partial) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		p.SetFlags(packet.FlagPartialChecksum)
		p.SetChecksumPlace(34, 40)
	}
	ctx.EmitBatch(b, 0)
}

var partialClass = &module.Class{Name: "Partial", IGates: 1, OGates: 1,
	New: func(*module.Env, proto.Message) (module.Module, error) { return partial{}, nil }}

// The outer checksum covers the inner one, so that must be complete when a
// packet enters its tunnel.
func TestPartialChecksumIsCompleted(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("mark", partialClass, nil)
	h.MustCreate("m", gtpuencap.Class, nil)
	h.Connect("mark", 0, "m", 0)
	frame := moduletest.Frame("U1")
	ip := header.IPv4(frame[14:])
	udp := header.UDP(ip[20:])
	right := udp.Checksum()
	udp.SetChecksum(header.Fold(header.PseudoSum(ip.Src(), ip.Dst(), header.ProtoUDP, 18)))
	h.Send("mark", 0, append(frame, 0xff, 0xff))
	out := h.Out("m", 1)
	if len(out) != 1 || header.UDP(out[0][36+34:]).Checksum() != right {
		t.Errorf("inner checksum is not %#x: %x", right, out)
	}
}

// Frames longer than a buffer keep their length in all headers.
func TestSeveralSegments(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpuencap.Class, nil)
	frame := make([]byte, 9000)
	header.Ethernet(frame).SetType(header.TypeIPv4)
	header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: 9000 - 14, TTL: 1, Protocol: header.ProtoUDP})
	h.Send("m", 0, frame)
	out := h.Out("m", 1)
	if len(out) != 1 || !bytes.Equal(out[0][36+14:], frame[14:]) {
		t.Fatalf("%d frames", len(out))
	}
	f, ok := header.ParseGTPUFrame(out[0], len(out[0]))
	if !ok || f.End != 9036 || f.GTP.Length() != 9000-14 {
		t.Errorf("the message ends at %d, %v", f.End, ok)
	}
}

// Checksums cover all segments and no padding, at odd lengths, too.
func TestFilledChecksumsAreRight(t *testing.T) {
	h := moduletest.New(t)
	for _, psc := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "psc"}[psc]
		h.MustCreate(name, gtpuencap.Class, &gtpuencap.GtpuEncapArg{AddPsc: psc, FillChecksums: true})
		for _, total := range []int{20, 21, 47, 1500, 1889, 1900, 5001, 9000} {
			for _, padding := range []int{0, 1, 18} {
				frame := make([]byte, 14+total+padding)
				for i := range frame {
					frame[i] = byte(i*i>>3) | 1
				}
				header.Ethernet(frame).SetType(header.TypeIPv4)
				header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(total), TTL: 1, Protocol: 99})
				h.Send(name, 0, frame)
				out := h.Out(name, 1)
				if len(out) != 1 {
					t.Fatalf("%s, %d bytes: %d frames", name, total, len(out))
				}
				ip := header.IPv4(out[0][14:])
				udp, ok := header.UDP(ip[20:]).Datagram()
				if !ok || !ip.ChecksumOK() || udp.Checksum() == 0 || !udp.ChecksumOK(ip.Src(), ip.Dst()) {
					t.Errorf("%s, %d bytes, padding %d: IPv4 %v, UDP %#x", name, total, padding, ip.ChecksumOK(), udp.Checksum())
				}
			}
		}
	}
}

// A packet that IPv4 could not express with the outer headers is not touched.
func TestTooLong(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpuencap.Class, nil)
	for total, count := range map[int]uint64{0xffff - 36: 0, 0xffff - 35: 1} {
		frame := make([]byte, 14+total)
		header.Ethernet(frame).SetType(header.TypeIPv4)
		header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(total)})
		before := h.Counter("m", "too_long")
		h.Send("m", 0, frame)
		failed := h.Out("m", 0)
		if got := h.Counter("m", "too_long") - before; got != count || len(failed) != int(count) ||
			count == 1 && !bytes.Equal(failed[0], frame) {
			t.Errorf("packet of %d bytes: %d too long, %d at gate 0", total, got, len(failed))
		}
		h.Out("m", 1)
	}
}
