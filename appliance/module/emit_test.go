// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Every packet leaves through its own gate, in the order in which it came,
// however many gates there are; what has nowhere to go is dropped and counted.
func TestEmitEachKeepsGatesAndOrder(t *testing.T) {
	const gates, unconnected = 12, 3
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	cache := pool.NewCache()
	ctx := module.NewContext(0, cache, 1e9)
	var got, want [gates][]packet.Packet
	n := &module.Node{Name: "src", Cells: module.NewCells(0)}
	for g := range gates {
		n.Outs = append(n.Outs, gateTo(process(func(ctx *module.Context, b *packet.Batch) {
			got[g] = append(got[g], b.Packets()...)
			ctx.FreeBatch(b)
		}), "sink", g))
	}
	n.Outs[unconnected].In = nil
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 5000 {
		got, want = [gates][]packet.Packet{}, [gates][]packet.Packet{}
		dropped, span, count := uint64(0), 1+random.IntN(gates+2), random.IntN(packet.BatchSize+1)
		list := make([]uint16, count, max(count, []int{0, packet.BatchSize}[round%2]))
		for i := range list {
			list[i] = uint16(random.IntN(span))
		}
		before := ctx.SilentDrops.Load()
		ctx.RunTask(n, run(func(ctx *module.Context) module.Result {
			if round%3 == 0 { // one that was on its way before
				p := cache.Alloc()
				want[0] = append(want[0], p)
				ctx.Emit(p, 0)
			}
			b := ctx.Batch()
			cache.AllocBatch(b, count, 60)
			for i, p := range b.Packets() {
				if g := list[i]; g < gates && g != unconnected {
					want[g] = append(want[g], p)
				} else {
					dropped++
				}
			}
			ctx.EmitEach(b, list)
			return module.Result{Packets: uint64(count)}
		}), 0, 1)
		for g := range want {
			// The batch as a whole may overtake what waits at a gate.
			if g == 0 && len(slices.Compact(slices.Clone(list))) == 1 {
				slices.Sort(got[g])
				slices.Sort(want[g])
			}
			if !slices.Equal(got[g], want[g]) {
				t.Fatalf("round %d: gate %d: %v, want %v (gates %v)", round, g, got[g], want[g], list)
			}
		}
		if d := ctx.SilentDrops.Load() - before; d != dropped || pool.Available() != 1024 {
			t.Fatalf("round %d: %d dropped, want %d; %d packets free", round, d, dropped, pool.Available())
		}
	}
}

// Gates that lead to the same peer fill its batches together: none is lost, those
// of a gate stay in order, every gate counts its own, and a hook sees only those
// of its gate.
func TestEmitEachToOnePeer(t *testing.T) {
	const gates, hooked, withBytes = 5, 3, 4
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	cache := pool.NewCache()
	ctx := module.NewContext(0, cache, 1e9)
	var got, seen []packet.Packet
	batches := 0
	in := gateTo(process(func(ctx *module.Context, b *packet.Batch) {
		batches++
		got = append(got, b.Packets()...)
		ctx.FreeBatch(b)
	}), "sink", 1).In
	in.Single = false
	n := &module.Node{Name: "src", Cells: module.NewCells(0)}
	for g := range gates {
		n.Outs = append(n.Outs, module.Out{In: in, Track: &module.TrackCell{Bits: g == withBytes}})
	}
	n.Outs[hooked].Hooks = []module.Hook{hook(func(b *packet.Batch) { seen = append(seen, b.Packets()...) })}
	random := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		got, seen, batches = nil, nil, 0
		count := 1 + random.IntN(packet.BatchSize)
		list := make([]uint16, count, packet.BatchSize)
		gateOf := map[packet.Packet]uint16{}
		var want [gates][]packet.Packet
		ctx.RunTask(n, run(func(ctx *module.Context) module.Result {
			b := ctx.Batch()
			cache.AllocBatch(b, count, 60)
			for i, p := range b.Packets() {
				list[i] = uint16(random.IntN(gates))
				gateOf[p], want[list[i]] = list[i], append(want[list[i]], p)
			}
			ctx.EmitEach(b, list)
			return module.Result{Packets: uint64(count)}
		}), 0, 1)
		var byGate [gates][]packet.Packet
		for _, p := range got {
			byGate[gateOf[p]] = append(byGate[gateOf[p]], p)
		}
		for g := range gates {
			track := n.Outs[g].Track
			if c := uint64(len(want[g])); !slices.Equal(byGate[g], want[g]) || track.Packets.Load() != c || g == withBytes && track.Bytes.Load() != c*(60+packet.Overhead) {
				t.Fatalf("gate %d: %v, want %v; %d packets counted", g, byGate[g], want[g], track.Packets.Load())
			}
			track.Packets.Set(0)
			track.Bytes.Set(0)
		}
		if !slices.Equal(seen, want[hooked]) || batches != 1 || pool.Available() != 1024 {
			t.Fatalf("the hook saw %v, want %v; %d batches; %d packets free", seen, want[hooked], batches, pool.Available())
		}
	}
}

// hook is a hook made of one function.
type hook func(b *packet.Batch)

func (f hook) Run(_ *module.Context, b *packet.Batch) { f(b) }
