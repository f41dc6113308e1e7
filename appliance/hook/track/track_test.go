// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package track_test

import (
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/hook/track"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func newTrack(t testing.TB, bits bool) *track.Track {
	t.Helper()
	h, err := track.Class.New(hook.Gate{Module: "m"}, &api.TrackArg{Bits: bits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h.(*track.Track)
}

// worker returns a context and a batch of n packets of 60 bytes.
func worker(t testing.TB, id, n int) (*module.Context, *packet.Batch) {
	t.Helper()
	pool, err := packet.NewPool(256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx, b := module.NewContext(id, pool.NewCache(), 1e9), new(packet.Batch)
	if !ctx.Cache.AllocBatch(b, n, 60) {
		t.Fatal("no packets")
	}
	return ctx, b
}

func TestIsATracker(t *testing.T) {
	var h hook.Hook = newTrack(t, false)
	if _, ok := h.(hook.Tracker); !ok {
		t.Error("the graph cannot count inline")
	}
	if _, ok := h.(hook.Updater); !ok {
		t.Error("a new argument cannot be taken in place")
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bits bool
		want hook.Counts
	}{
		{false, hook.Counts{Batches: 2, Packets: 6}},
		{true, hook.Counts{Batches: 2, Packets: 6, Bytes: 6 * (60 + 24)}},
	} {
		h := newTrack(t, c.bits)
		for _, id := range []int{0, 63} {
			ctx, b := worker(t, id, 3)
			h.Run(ctx, b)
		}
		if got := h.Counts(); got != c.want {
			t.Errorf("bits %v: %+v, want %+v", c.bits, got, c.want)
		}
	}
}

func TestCellIsTheSameOnEveryCall(t *testing.T) {
	h := newTrack(t, true)
	if h.Cell(5) != h.Cell(5) || h.Cell(5) == h.Cell(6) || !h.Cell(5).Bits {
		t.Fatal("the cells of workers are mixed up")
	}
}

func TestInlineCountsAndRunAddUp(t *testing.T) {
	h := newTrack(t, false)
	cell := h.Cell(1)
	cell.Batches.Add(1)
	cell.Packets.Add(64)
	ctx, b := worker(t, 2, 3)
	h.Run(ctx, b)
	if got, want := h.Counts(), (hook.Counts{Batches: 2, Packets: 67}); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
}

// Attaching Track with bits to a gate that is tracked already must make bytes
// appear, and lose no packet.
func TestUpdateTurnsBytesOn(t *testing.T) {
	h := newTrack(t, false)
	ctx, b := worker(t, 0, 3)
	h.Run(ctx, b)
	if err := h.Update(&api.TrackArg{Bits: true}); err != nil {
		t.Fatal(err)
	}
	h.Run(ctx, b)
	if got, want := h.Counts(), (hook.Counts{Batches: 2, Packets: 6, Bytes: 3 * 84}); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
	if err := h.Update(&api.TrackArg{}); err != nil {
		t.Fatal(err)
	}
	h.Run(ctx, b)
	if got, want := h.Counts(), (hook.Counts{Batches: 3, Packets: 9, Bytes: 3 * 84}); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
}

func TestReset(t *testing.T) {
	h := newTrack(t, true)
	ctx, b := worker(t, 0, 3)
	h.Run(ctx, b)
	cmd := track.Class.Commands[0]
	if cmd.Name != "reset" || len(track.Class.Commands) != 1 {
		t.Fatalf("commands: %v", track.Class.Commands)
	}
	if _, err := cmd.Run(h, &api.EmptyArg{}); err != nil {
		t.Fatal(err)
	}
	if got := h.Counts(); got != (hook.Counts{}) {
		t.Fatalf("after reset: %+v", got)
	}
	h.Run(ctx, b)
	if got, want := h.Counts(), (hook.Counts{Batches: 1, Packets: 3, Bytes: 252}); got != want {
		t.Fatalf("after reset and a batch: %+v, want %+v", got, want)
	}
}

func TestWorkersAndControlSideAtOnce(t *testing.T) {
	h := newTrack(t, false)
	const workers, rounds = 4, 2000
	var wg sync.WaitGroup
	for id := range workers {
		ctx, b := worker(t, id, 3)
		wg.Go(func() {
			for range rounds {
				h.Run(ctx, b)
			}
		})
	}
	for i := range 200 {
		_ = h.Update(&api.TrackArg{Bits: i%2 == 0})
		h.Counts()
	}
	wg.Wait()
	if got := h.Counts(); got.Batches != workers*rounds || got.Packets != 3*workers*rounds {
		t.Fatalf("%+v, want %d batches of 3", got, workers*rounds)
	}
}

func TestNoAllocs(t *testing.T) {
	h := newTrack(t, true)
	ctx, b := worker(t, 0, 64)
	if n := testing.AllocsPerRun(100, func() { h.Run(ctx, b) }); n != 0 {
		t.Fatalf("%v allocations per batch", n)
	}
}

func BenchmarkRun(b *testing.B) {
	h := newTrack(b, false)
	ctx, batch := worker(b, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		h.Run(ctx, batch)
	}
}
