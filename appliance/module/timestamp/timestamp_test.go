// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package timestamp_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericdecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/measure"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/timestamp"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", timestamp.Class, measure.Class, setmetadata.Class, genericdecap.Class)
}

func inPacket(offset uint64) *timestamp.TimestampArg {
	return &timestamp.TimestampArg{Type: &timestamp.TimestampArg_Offset{Offset: offset}}
}

func inAttr(name string) *timestamp.TimestampArg {
	return &timestamp.TimestampArg{Type: &timestamp.TimestampArg_AttrName{AttrName: name}}
}

func now() uint64 { return sys.Nanoseconds(sys.Cycles(), sys.CyclesPerSecond()) }

// between checks that a mark was made between two moments.
func between(t *testing.T, before uint64, mark []byte) {
	t.Helper()
	if got, after := binary.LittleEndian.Uint64(mark), now(); got < before || got > after {
		t.Errorf("time %d is not in %d..%d", got, before, after)
	}
}

// one sends a frame through a new instance and returns what leaves.
func one(t *testing.T, arg *timestamp.TimestampArg, frame []byte) []byte {
	t.Helper()
	h := moduletest.New(t)
	h.MustCreate("m", timestamp.Class, arg)
	h.Send("m", 0, frame)
	out := h.Out("m", 0)
	if len(out) != 1 {
		t.Fatalf("%d packets left", len(out))
	}
	return out[0]
}

// S36 of the catalogue.
func TestS36MarkAtTheEndMakesThePacketLonger(t *testing.T) {
	u1 := moduletest.Frame("U1")
	before := now()
	out := one(t, inPacket(50), u1)
	if len(out) != 62 || !bytes.Equal(out[:50], u1[:50]) || hex.EncodeToString(out[50:54]) != "55bec554" {
		t.Fatalf("%x", out)
	}
	between(t, before, out[54:])
}

func TestMarkInsideThePacket(t *testing.T) {
	u1 := moduletest.Frame("U1")
	before := now()
	out := one(t, inPacket(14), u1)
	if len(out) != len(u1) || !bytes.Equal(out[:14], u1[:14]) || !bytes.Equal(out[26:], u1[26:]) {
		t.Fatalf("%x", out)
	}
	between(t, before, out[18:])
}

// BESS wrote outside the packet.
func TestOffsetBeyondTheEndFillsUpWithZeros(t *testing.T) {
	u1 := moduletest.Frame("U1")
	out := one(t, inPacket(200), u1)
	if len(out) != 212 || !bytes.Equal(out[:52], u1) || !bytes.Equal(out[52:200], make([]byte, 148)) ||
		hex.EncodeToString(out[200:204]) != "55bec554" {
		t.Fatalf("%x", out)
	}
}

func TestWithoutRoomThePacketPassesUnmarked(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", timestamp.Class, inPacket(packet.BufferSize-12))
	small, large, chained := moduletest.Frame("U1"), bytes.Repeat([]byte{1}, packet.BufferSize), bytes.Repeat([]byte{2}, 4000)
	h.Send("m", 0, small, large, chained)
	out := h.Out("m", 0)
	if len(out) != 3 || !bytes.Equal(out[0], small) || len(out[1]) != len(large) || !bytes.Equal(out[2], chained) {
		t.Fatalf("%d packets", len(out))
	}
	if hex.EncodeToString(out[1][2036:2040]) != "55bec554" {
		t.Error("the packet that has the room was not marked")
	}
	if n := h.Counter("m", "no_tailroom"); n != 2 {
		t.Errorf("%d packets counted, want 2", n)
	}
}

func TestAttribute(t *testing.T) {
	for _, arg := range []*timestamp.TimestampArg{nil, {}, inPacket(0), inAttr(""), inAttr("timestamp")} {
		h := moduletest.New(t)
		h.WatchAttr("timestamp")
		if arg == nil {
			h.MustCreate("m", timestamp.Class, nil)
		} else {
			h.MustCreate("m", timestamp.Class, arg)
		}
		before := now()
		h.Send("m", 0, moduletest.Frame("U1"))
		between(t, before, h.Attr("m", 0, "timestamp"))
		if out := h.Out("m", 0); len(out) != 1 || !bytes.Equal(out[0], moduletest.Frame("U1")) {
			t.Errorf("%v: the packet has changed", arg)
		}
	}
}

func TestAttributeOfAnotherName(t *testing.T) {
	h := moduletest.New(t)
	h.WatchAttr("mine")
	h.MustCreate("m", timestamp.Class, inAttr("mine"))
	before := now()
	h.Send("m", 0, moduletest.Frame("U1"))
	between(t, before, h.Attr("m", 0, "mine"))
}

func TestUpdate(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("p", timestamp.Class, inPacket(50))
	h.MustCreate("a", timestamp.Class, inAttr("x"))
	for _, c := range []struct {
		name string
		arg  *timestamp.TimestampArg
		want error
	}{
		{"p", inPacket(20), nil},
		{"p", inAttr("x"), module.ErrRebuild},
		{"p", inPacket(0), module.ErrRebuild},
		{"a", inAttr("x"), nil},
		{"a", inAttr("y"), module.ErrRebuild},
		{"a", inPacket(20), module.ErrRebuild},
	} {
		if err := h.Update(c.name, c.arg); !errors.Is(err, c.want) {
			t.Errorf("%s: %v: %v, want %v", c.name, c.arg, err, c.want)
		}
	}
	h.Send("p", 0, make([]byte, 60))
	if out := h.Out("p", 0); len(out) != 1 || hex.EncodeToString(out[0][20:24]) != "55bec554" {
		t.Errorf("after the update: %x", out)
	}
	if err := h.Update("p", inPacket(5000)); err == nil {
		t.Error("a bad offset was accepted")
	}
}

func TestNoAllocs(t *testing.T) {
	for _, arg := range []*timestamp.TimestampArg{inAttr("x"), inPacket(50)} {
		h := moduletest.New(t)
		h.WatchAttr("x")
		h.MustCreate("other", timestamp.Class, inAttr("x")) // so that x is known
		h.MustCreate("m", timestamp.Class, arg)
		h.NoAllocs("m", moduletest.Frame("U1"), []byte{1})
	}
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, timestamp.Class, func(seed []byte) proto.Message {
		if len(seed) < 2 {
			return &timestamp.TimestampArg{}
		}
		return inPacket(uint64(binary.LittleEndian.Uint16(seed)) % 2100)
	})
}

func BenchmarkProcess(b *testing.B) {
	b.Run("attribute", func(b *testing.B) {
		moduletest.Bench(b, timestamp.Class, inAttr("x"), moduletest.Frame("U1"))
	})
	b.Run("packet", func(b *testing.B) { moduletest.Bench(b, timestamp.Class, inPacket(20), moduletest.Frame("U1")) })
}

// FuzzAll lets commands and new arguments happen between the packets.
func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, timestamp.Class) }
