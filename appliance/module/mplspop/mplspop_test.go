// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package mplspop_test

import (
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/mplspop"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", mplspop.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", mplspop.Class, nil)
	h.NoAllocs("m", moduletest.Frame("06163e1b7232021e679f4dae88470001013f450000260001"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, mplspop.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, mplspop.Class, nil, moduletest.Frame("06163e1b7232021e679f4dae88470001013f450000260001"))
}

// BESS refused the command while workers ran. A packet meets both old settings
// or both new ones.
func TestSettingsChangeWhileRunning(t *testing.T) {
	frame := moduletest.Frame("06163e1b7232021e679f4dae88470001013f450000260001")
	h := moduletest.New(t)
	h.MustCreate("m", mplspop.Class, nil)
	h.Send("m", 0, frame)
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint32(500) {
			arg := &mplspop.MplsPopArg{RemoveEthHeader: i%2 == 0, NextEthType: 0x0800 + i%2}
			if _, err := h.Command("m", "set", arg); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("m", 0, frame)
	}
	done.Wait()
	out := h.Out("m", 0)
	if len(out) != 501 {
		t.Errorf("%d packets", len(out))
	}
	for _, f := range out {
		if len(f) != 6 && len(f) != 20 {
			t.Fatalf("%x", f)
		}
	}
}
