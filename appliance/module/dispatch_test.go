// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// process is a module made of one function.
type process func(ctx *module.Context, b *packet.Batch)

func (f process) Process(ctx *module.Context, b *packet.Batch) { f(ctx, b) }

// run is a task made of one function.
type run func(ctx *module.Context) module.Result

func (f run) RunTask(ctx *module.Context, _ int) module.Result { return f(ctx) }

func gateTo(m module.Module, name string, priority int) module.Out {
	n := &module.Node{Mod: m, Name: name, Cells: module.NewCells(0)}
	return module.Out{In: &module.In{Node: n, Single: true, Priority: priority}}
}

// A module that panics must not take back packets that the same run gave to a
// module that keeps packets: the task's own batch still named them.
func TestPanicLeavesPacketsThatAnotherModuleKeeps(t *testing.T) {
	for _, tc := range []struct {
		name string
		task func(ctx *module.Context) // emits what is in the task's batch
	}{
		{"emitted one by one", func(ctx *module.Context) {
			for i, p := range ctx.Batch().Packets() {
				ctx.Emit(p, i%2)
			}
		}},
		{"sent as a whole and split behind", func(ctx *module.Context) { ctx.EmitBatch(ctx.Batch(), 2) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pool, err := packet.NewPool(1024)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			cache := pool.NewCache()
			ctx := module.NewContext(0, cache, 1e9)
			var kept []packet.Packet
			keeper := process(func(_ *module.Context, b *packet.Batch) { kept = append(kept, b.Packets()...) })
			breaker := process(func(*module.Context, *packet.Batch) { panic("as told") })
			outs := func() []module.Out { return []module.Out{gateTo(keeper, "keeper", 1), gateTo(breaker, "breaker", 2)} }
			split := gateTo(process(func(ctx *module.Context, b *packet.Batch) {
				for i, p := range b.Packets() {
					ctx.Emit(p, i%2)
				}
			}), "split", 1)
			split.In.Node.Outs = outs()
			n := &module.Node{Name: "src", Cells: module.NewCells(0), Outs: append(outs(), split)}
			_, fault := ctx.RunTask(n, run(func(ctx *module.Context) module.Result {
				if !cache.AllocBatch(ctx.Batch(), 8, 60) {
					t.Error("no packets")
				}
				tc.task(ctx)
				return module.Result{Packets: 8}
			}), 0, 1)
			if fault == nil || fault.Module != "breaker" || fault.Dropped != 4 || fault.Lost != 0 {
				t.Fatalf("fault %+v, want breaker and 4 dropped packets", fault)
			}
			if len(kept) != 4 {
				t.Fatalf("%d packets kept, want 4", len(kept))
			}
			if free := pool.Available(); free != 1024-4 {
				t.Fatalf("%d packets are free while 4 of 1024 are kept", free)
			}
		})
	}
}
