// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package l4checksum_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/update"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", l4checksum.Class, update.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", l4checksum.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, l4checksum.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, l4checksum.Class, nil, moduletest.Frame("U1"))
}

// flags is a module that marks packets as a network interface would.
type flags uint32

func (f flags) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		p.SetFlags(uint32(f))
	}
	ctx.EmitBatch(b, 0)
}

func marker(f uint32) *module.Class {
	return &module.Class{Name: "Flags", Prefix: "flags", IGates: 1, OGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return flags(f), nil }}
}

// With hw the interface's verdict counts and the packet is not looked at; a
// checksum that was computed anew has no verdict any more.
func TestVerdictOfTheInterface(t *testing.T) {
	hw := &l4checksum.L4ChecksumArg{Verify: true, Hw: true}
	h := moduletest.New(t)
	h.MustCreate("mark", marker(packet.FlagBadL4Checksum), nil)
	h.MustCreate("verify", l4checksum.Class, hw)
	h.MustCreate("compute", l4checksum.Class, nil)
	h.MustCreate("again", l4checksum.Class, hw)
	h.Connect("mark", 0, "verify", 0)
	h.Connect("verify", 1, "compute", 0)
	h.Connect("compute", 0, "again", 0)
	h.Send("mark", 0, moduletest.Frame("U1"))
	if good, again := h.Out("verify", 0), h.Out("again", 0); len(good) != 0 || len(again) != 1 {
		t.Errorf("%d packets left as good, %d after computing", len(good), len(again))
	}
}

// A checksum that the sender left to the hardware is completed, and until then
// it is not wrong.
func TestPartialChecksum(t *testing.T) {
	frame := moduletest.Frame("U1")
	frame[40] ^= 0xff
	h := moduletest.New(t)
	h.MustCreate("mark", marker(packet.FlagPartialChecksum), nil)
	h.MustCreate("verify", l4checksum.Class, &l4checksum.L4ChecksumArg{Verify: true})
	h.MustCreate("compute", l4checksum.Class, nil)
	h.MustCreate("again", l4checksum.Class, &l4checksum.L4ChecksumArg{Verify: true})
	h.Connect("mark", 0, "verify", 0)
	h.Connect("verify", 0, "compute", 0)
	h.Connect("compute", 0, "again", 0)
	h.Send("mark", 0, frame)
	if out := h.Out("again", 0); len(out) != 1 || !bytes.Equal(out[0], moduletest.Frame("U1")) {
		t.Errorf("%x", out)
	}
}

// Datagrams of every length around that of a buffer, and of the largest.
func TestSegmentedPackets(t *testing.T) {
	for _, n := range []int{1000, 1870, 1871, 1872, 2001, 2007, 2008, 3800, 3801, 5000, 65507} {
		frame := make([]byte, 42+n)
		header.Ethernet(frame).Encode(&header.EthernetFields{Type: header.TypeIPv4})
		header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(28 + n), TTL: 64, Protocol: header.ProtoUDP, Src: 1, Dst: 2})
		udp := header.UDP(frame[34:])
		udp.Encode(&header.UDPFields{SrcPort: 5, Length: uint16(8 + n)})
		for i := range udp[8:] {
			udp[8+i] = byte(i * i >> 3)
		}
		want := bytes.Clone(frame)
		sum, _ := udp.ComputeChecksum(1, 2)
		header.UDP(want[34:]).SetChecksum(sum)
		wrong := bytes.Clone(want)
		wrong[len(wrong)-1]++
		h := moduletest.New(t)
		h.MustCreate("m", l4checksum.Class, nil)
		h.MustCreate("v", l4checksum.Class, &l4checksum.L4ChecksumArg{Verify: true})
		h.Send("m", 0, frame)
		if out := h.Out("m", 0); len(out) != 1 || !bytes.Equal(out[0], want) {
			t.Errorf("%d bytes: wrong checksum", n)
		}
		h.Send("v", 0, want, wrong)
		if good, bad := h.Out("v", 0), h.Out("v", 1); len(good) != 1 || len(bad) != 1 {
			t.Errorf("%d bytes: %d right, %d wrong", n, len(good), len(bad))
		}
	}
}

func BenchmarkLength(b *testing.B) {
	for _, n := range []int{60, 1500} {
		frame := make([]byte, n)
		header.Ethernet(frame).Encode(&header.EthernetFields{Type: header.TypeIPv4})
		header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(n - 14), TTL: 64, Protocol: header.ProtoUDP, Src: 1, Dst: 2})
		header.UDP(frame[34:]).Encode(&header.UDPFields{SrcPort: 5, Length: uint16(n - 34)})
		b.Run(strconv.Itoa(n), func(b *testing.B) { moduletest.Bench(b, l4checksum.Class, nil, frame) })
	}
}

// The short way for the commonest frames and the long way say the same.
func TestBothWaysAgree(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", l4checksum.Class, nil)
	h.MustCreate("v", l4checksum.Class, &l4checksum.L4ChecksumArg{Verify: true})
	for _, name := range []string{"U1", "T1"} {
		plain := moduletest.Frame(name)
		for n := range 3 { // 0..2 VLAN tags
			tags := [][]byte{nil, {0x81, 0, 0, 7}, {0x88, 0xa8, 0, 1, 0x81, 0, 0, 7}}[n]
			frame := slices.Concat(plain[:12], tags, plain[12:])
			for at := 12 + len(tags); at < len(frame); at++ {
				frame[at] ^= 0x15
				h.Send("m", 0, frame)
				h.Send("v", 0, frame)
				short := slices.Concat(frame[:12], frame[12+len(tags):])
				h.Send("m", 0, short)
				h.Send("v", 0, short)
				out := h.Out("m", 0)
				if !bytes.Equal(slices.Concat(out[0][:12], out[0][12+len(tags):]), out[1]) {
					t.Fatalf("%s, byte %d: %x and %x", name, at, out[0], out[1])
				}
				if good := len(h.Out("v", 0)); good == 1 {
					t.Fatalf("%s, byte %d: only one of them is right", name, at)
				}
				h.Out("v", 1)
				frame[at] ^= 0x15
			}
		}
	}
}

// So they do for every length, with tags (the long way) and without.
func TestBothWaysAgreeAtEveryLength(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", l4checksum.Class, nil)
	rng := rand.New(rand.NewPCG(4, 2))
	for _, proto := range []uint8{header.ProtoUDP, header.ProtoTCP} {
		for n := 8; n < 300; n++ {
			for _, padding := range []int{0, 5} {
				f := make([]byte, 34+n+padding)
				for i := range f {
					f[i] = byte(rng.Uint32())
				}
				header.Ethernet(f).Encode(&header.EthernetFields{Type: header.TypeIPv4})
				header.IPv4(f[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(20 + n), TTL: 64, Protocol: proto, Src: rng.Uint32(), Dst: rng.Uint32()})
				if proto == header.ProtoUDP {
					binary.BigEndian.PutUint16(f[38:40], uint16(n))
				}
				tagged := slices.Concat(f[:12], []byte{0x81, 0, 0, 7}, f[12:])
				h.Send("m", 0, f, tagged)
				out := h.Out("m", 0)
				if !bytes.Equal(out[0], slices.Concat(out[1][:12], out[1][16:])) {
					t.Fatalf("protocol %d, %d bytes: %x and %x", proto, n, out[0], out[1])
				}
			}
		}
	}
}
