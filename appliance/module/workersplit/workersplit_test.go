// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package workersplit_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/workersplit"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", workersplit.Class) }

// The engine asks for the gate of every worker, also of those without one and
// for gates that nothing is connected to.
func TestGateForWorker(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("ws", workersplit.Class, &workersplit.WorkerSplitArg{WorkerGates: map[uint32]uint32{3: 63}})
	r := h.Instance("ws").(module.WorkerRouter)
	for w := range module.MaxWorkers {
		want := -1
		if w == 3 {
			want = 63
		}
		if g := r.GateForWorker(w); g != want {
			t.Errorf("worker %d: gate %d, want %d", w, g, want)
		}
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("ws", workersplit.Class, nil)
	sent := h.Storm("ws", 3, [][]byte{moduletest.Frame("U1")}, func() {
		for i := range uint32(5000) {
			if _, err := h.Command("ws", "reset", &workersplit.WorkerSplitArg{WorkerGates: map[uint32]uint32{0: i % 64, 1: 1, 2: 2}}); err != nil {
				t.Error(err)
			}
		}
	})
	if n := h.Counter("ws", "unmapped"); n != 0 || sent == 0 {
		t.Errorf("%d of %d packets without gate", n, sent)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("ws", workersplit.Class, nil)
	h.NoAllocs("ws", moduletest.Frame("U1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, workersplit.Class, func(seed []byte) proto.Message {
		return moduletest.NewDrawer(seed).Message(workersplit.Class.Arg)
	})
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, workersplit.Class, nil) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, workersplit.Class, nil, moduletest.Frame("U1"))
}
