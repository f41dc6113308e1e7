// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bypass_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", bypass.Class) }

// cycles returns what one batch of two packets of 100 and 400 bytes takes.
func cycles(t *testing.T, arg *bypass.BypassArg) uint64 {
	t.Helper()
	h := moduletest.New(t)
	h.MustCreate("b", bypass.Class, arg)
	h.Send("b", 0, make([]byte, 100)) // compiles the graph
	start := sys.Cycles()
	h.Send("b", 0, make([]byte, 100), make([]byte, 400))
	return sys.Cycles() - start
}

// The parts of the cost add up: in the original, bytes were those of the last
// packet only, and the sum of the other parts was cut to 32 bits.
func TestCostIsBurned(t *testing.T) {
	for _, c := range []struct {
		arg  *bypass.BypassArg
		want uint64
	}{
		{&bypass.BypassArg{CyclesPerBatch: 3_000_000}, 3_000_000},
		{&bypass.BypassArg{CyclesPerPacket: 2_000_000}, 4_000_000},
		{&bypass.BypassArg{CyclesPerByte: 20_000}, 10_000_000},
		{&bypass.BypassArg{CyclesPerBatch: 1_000_000, CyclesPerPacket: 1_000_000, CyclesPerByte: 2_000}, 4_000_000},
	} {
		if got := cycles(t, c.arg); got < c.want {
			t.Errorf("%v: %d cycles, want at least %d", c.arg, got, c.want)
		}
	}
}

// Absurd numbers cost a second a batch: the largest would take days.
func TestWaitIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("burns a second")
	}
	all := uint32(1<<32 - 1)
	h := moduletest.New(t)
	h.MustCreate("b", bypass.Class, &bypass.BypassArg{CyclesPerBatch: all, CyclesPerPacket: all, CyclesPerByte: all})
	h.Send("b", 3, moduletest.Frame("U1"))
	if got := h.Out("b", 3); len(got) != 1 {
		t.Errorf("%d packets came out, want 1", len(got))
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("b", bypass.Class, &bypass.BypassArg{CyclesPerByte: 1})
	h.NoAllocs("b", moduletest.Frame("U1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, bypass.Class, func(seed []byte) proto.Message {
		arg := &bypass.BypassArg{}
		if len(seed) > 2 {
			arg.CyclesPerBatch, arg.CyclesPerPacket, arg.CyclesPerByte = uint32(seed[0]), uint32(seed[1]), uint32(seed[2])
		}
		return arg
	})
}

func BenchmarkBypass(b *testing.B) { moduletest.Bench(b, bypass.Class, nil, make([]byte, 60)) }

// FuzzAll lets commands and new arguments happen between the packets.
func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, bypass.Class) }
