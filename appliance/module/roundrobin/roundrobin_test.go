// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package roundrobin_test

import (
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", roundrobin.Class) }

func batch() [][]byte {
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = moduletest.Frame("U1")
	}
	return frames
}

// Its place is one for all packets, so only one worker may run it.
func TestOneWorker(t *testing.T) {
	if n := roundrobin.Class.Workers(); n != 1 {
		t.Errorf("%d workers", n)
	}
}

// The most gates, and one more.
func TestLongLists(t *testing.T) {
	h := moduletest.New(t)
	gates := make([]int64, 16385)
	if err := h.Create("r", roundrobin.Class, &roundrobin.RoundRobinArg{Gates: gates}); err == nil {
		t.Error("16385 gates were accepted")
	}
	h.MustCreate("r", roundrobin.Class, &roundrobin.RoundRobinArg{Gates: gates[1:]})
	if _, err := h.Command("r", "set_gates", &roundrobin.RoundRobinCommandSetGatesArg{Gates: gates}); err == nil {
		t.Error("set_gates accepted 16385 gates")
	}
}

// Commands run while packets pass. In the original a list that became shorter
// let the old place select a stale entry.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", roundrobin.Class, &roundrobin.RoundRobinArg{Gates: []int64{0}, Mode: "packet"})
	frames := batch()
	h.Send("r", 0, frames...)
	modes := []string{"packet", "batch"}
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 500 {
			if _, err := h.Command("r", "set_gates", &roundrobin.RoundRobinCommandSetGatesArg{Gates: make([]int64, i%5)}); err != nil {
				t.Error(err)
			}
			if _, err := h.Command("r", "set_mode", &roundrobin.RoundRobinCommandSetModeArg{Mode: modes[i%2]}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		h.Send("r", 0, frames...)
	}
	done.Wait()
	out := uint64(len(h.Out("r", 0)))
	if sum := out + h.Counter("r", "no_gates"); sum != 64*201 {
		t.Errorf("%d packets, want %d", sum, 64*201)
	}
}

func TestNoAllocs(t *testing.T) {
	for _, mode := range []string{"packet", "batch"} {
		h := moduletest.New(t)
		h.MustCreate("r", roundrobin.Class, &roundrobin.RoundRobinArg{Gates: []int64{0, 1, 2}, Mode: mode})
		h.NoAllocs("r", batch()...)
	}
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, roundrobin.Class, func(seed []byte) proto.Message {
		arg := &roundrobin.RoundRobinArg{Mode: "packet"}
		for i, c := range seed {
			if i == 0 && c&1 == 1 {
				arg.Mode = "batch"
			}
			arg.Gates = append(arg.Gates, int64(c)*64)
		}
		return arg
	})
}

func BenchmarkRoundRobin(b *testing.B) {
	frame := make([]byte, 60)
	for _, mode := range []string{"batch", "packet"} {
		b.Run(mode, func(b *testing.B) {
			moduletest.Bench(b, roundrobin.Class, &roundrobin.RoundRobinArg{Gates: []int64{0, 1}, Mode: mode}, frame)
		})
	}
}
