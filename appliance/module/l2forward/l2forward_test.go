// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package l2forward_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/l2forward"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", l2forward.Class) }

// In the original, addresses that share a row of the default table are added
// and never found: common beyond a few dozen.
func TestCollidingAddressesAreAllFound(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("l2", l2forward.Class, nil)
	const n = 4096 // all that fit
	if _, err := h.Command("l2", "populate", &l2forward.L2ForwardCommandPopulateArg{Base: "02:00:00:00:00:00", Count: n, GateCount: 8}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f := append([]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, make([]byte, 54)...)
		h.Send("l2", 0, f)
		if got := h.Out("l2", i%8); len(got) != 1 {
			t.Fatalf("address %d is not at gate %d", i, i%8)
		}
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("l2", l2forward.Class, nil)
	do := func(cmd string, arg proto.Message) {
		if _, err := h.Command("l2", cmd, arg); err != nil {
			t.Error(err)
		}
	}
	do("add", &l2forward.L2ForwardCommandAddArg{Entries: []*l2forward.L2ForwardCommandAddArg_Entry{{Addr: "06:16:3e:1b:72:32", Gate: 1}}})
	sent := h.Storm("l2", 3, [][]byte{moduletest.Frame("U1"), moduletest.Frame("U1"), moduletest.Frame("T1")}, func() {
		for range 50 {
			do("populate", &l2forward.L2ForwardCommandPopulateArg{Base: "02:00:00:00:00:00", Count: 2000, GateCount: 8})
			var all []string
			for i := range 2000 {
				all = append(all, fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8, i&0xff))
			}
			do("delete", &l2forward.L2ForwardCommandDeleteArg{Addrs: all})
			do("set_default_gate", &l2forward.L2ForwardCommandSetDefaultGateArg{Gate: 2})
		}
	})
	if n := h.Counter("l2", "unknown"); n != 0 || sent == 0 {
		t.Errorf("%d of %d packets missed an address that stayed", n, sent)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("l2", l2forward.Class, nil)
	h.NoAllocs("l2", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, l2forward.Class, func(seed []byte) proto.Message {
		return moduletest.NewDrawer(seed).Message(l2forward.Class.Arg)
	})
}

func FuzzCommands(f *testing.F) {
	// A populate of the fuzzer's choice may fill a table of any size: keep it
	// small.
	moduletest.FuzzCommands(f, l2forward.Class, func(d *moduletest.Drawer) proto.Message {
		return &l2forward.L2ForwardArg{Size: 1 << (d.Byte() % 8), Bucket: int64(d.Byte() % 5)}
	})
}

// BenchmarkPipeline is Source -> Rewrite -> L2Forward -> Sink with 1,000
// addresses.
func BenchmarkPipeline(b *testing.B) {
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = make([]byte, 60)
		copy(frames[i], []byte{2, 0, 0, 0, byte(i * 15 >> 8), byte(i * 15)})
	}
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: frames}}
	b.Run("rules=1000", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, func(h *moduletest.Harness) {
			if _, err := h.Command("2", "populate", &l2forward.L2ForwardCommandPopulateArg{Base: "02:00:00:00:00:00", Count: 1000, GateCount: 1}); err != nil {
				b.Fatal(err)
			}
		}, moduletest.Stage{Class: source.Class}, rw, moduletest.Stage{Class: l2forward.Class}, moduletest.Stage{Class: sink.Class})
	})
	b.Run("without", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, moduletest.Stage{Class: source.Class}, rw, moduletest.Stage{Class: sink.Class})
	})
}
