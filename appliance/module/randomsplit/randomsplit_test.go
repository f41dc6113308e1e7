// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package randomsplit_test

import (
	"math"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/randomsplit"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", randomsplit.Class) }

func batch() [][]byte {
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = moduletest.Frame("U1")
	}
	return frames
}

// Shares are those asked for, within six standard deviations of 64,000
// draws; a gate listed twice gets twice as much.
func TestShares(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", randomsplit.Class, &randomsplit.RandomSplitArg{DropRate: 0.25, Gates: []int64{1, 2, 2}})
	frames := batch()
	const n = 64 * 1000
	got := map[int]int{}
	for range n / 64 {
		h.Send("r", 0, frames...)
		for _, g := range []int{1, 2} {
			got[g] += len(h.Out("r", g))
		}
	}
	dropped := int(h.Counter("r", "dropped"))
	if got[1]+got[2]+dropped != n || int(h.Deadends("r")) != dropped {
		t.Errorf("%d + %d sent, %d dropped, %d dead ends: not %d in all", got[1], got[2], dropped, h.Deadends("r"), n)
	}
	for _, c := range []struct {
		name string
		got  int
		p    float64
	}{{"dropped", dropped, 0.25}, {"gate 1", got[1], 0.25}, {"gate 2", got[2], 0.5}} {
		if d := math.Abs(float64(c.got) - n*c.p); d > 6*math.Sqrt(n*c.p*(1-c.p)) {
			t.Errorf("%s: %d of %d, want about %.0f", c.name, c.got, n, n*c.p)
		}
	}
}

// The most gates, and one more.
func TestLongLists(t *testing.T) {
	h := moduletest.New(t)
	gates := make([]int64, 16385)
	if err := h.Create("r", randomsplit.Class, &randomsplit.RandomSplitArg{Gates: gates}); err == nil {
		t.Error("16385 gates were accepted")
	}
	h.MustCreate("r", randomsplit.Class, &randomsplit.RandomSplitArg{Gates: gates[1:]})
	if _, err := h.Command("r", "set_gates", &randomsplit.RandomSplitCommandSetGatesArg{Gates: gates}); err == nil {
		t.Error("set_gates accepted 16385 gates")
	}
}

// Commands run while packets pass: no packet is lost or counted twice.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", randomsplit.Class, &randomsplit.RandomSplitArg{Gates: []int64{0}})
	frames := batch()
	h.Send("r", 0, frames...)
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 500 {
			if _, err := h.Command("r", "set_gates", &randomsplit.RandomSplitCommandSetGatesArg{Gates: make([]int64, i%5)}); err != nil {
				t.Error(err)
			}
			if _, err := h.Command("r", "set_droprate", &randomsplit.RandomSplitCommandSetDroprateArg{DropRate: float64(i%3) / 2}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		h.Send("r", 0, frames...)
	}
	done.Wait()
	out := uint64(len(h.Out("r", 0)))
	if sum := out + h.Deadends("r"); sum != 64*201 {
		t.Errorf("%d packets, want %d", sum, 64*201)
	}
	if sum := out + h.Counter("r", "dropped") + h.Counter("r", "no_gates"); sum != 64*201 {
		t.Errorf("%d packets counted, want %d", sum, 64*201)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", randomsplit.Class, &randomsplit.RandomSplitArg{DropRate: 0.5, Gates: []int64{0, 1, 2}})
	h.NoAllocs("r", batch()...)
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, randomsplit.Class, func(seed []byte) proto.Message {
		arg := &randomsplit.RandomSplitArg{}
		for i, c := range seed {
			if i == 0 {
				arg.DropRate = float64(c) / 128
				continue
			}
			arg.Gates = append(arg.Gates, int64(c)*64)
		}
		return arg
	})
}

func BenchmarkRandomSplit(b *testing.B) {
	frame := make([]byte, 60)
	b.Run("1gate", func(b *testing.B) {
		moduletest.Bench(b, randomsplit.Class, &randomsplit.RandomSplitArg{Gates: []int64{0}}, frame)
	})
	b.Run("drop+2gates", func(b *testing.B) {
		moduletest.Bench(b, randomsplit.Class, &randomsplit.RandomSplitArg{DropRate: 0.1, Gates: []int64{0, 1}}, frame)
	})
}
