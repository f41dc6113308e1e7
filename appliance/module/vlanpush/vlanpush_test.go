// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vlanpush_test

import (
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/genericencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/vlanpush"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", vlanpush.Class, genericencap.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vlanpush.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, vlanpush.Class) }

func BenchmarkProcess(b *testing.B) { moduletest.Bench(b, vlanpush.Class, nil, moduletest.Frame("U1")) }

// BESS refused the command while workers ran. A packet gets one tag or the
// other, never a mixture.
func TestTagChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vlanpush.Class, &vlanpush.VLANPushArg{Tci: 0x0101})
	h.Send("m", 0, moduletest.Frame("U1"))
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint64(500) {
			if _, err := h.Command("m", "set_tci", &vlanpush.VLANPushArg{Tci: i % 16 * 0x0101}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("m", 0, moduletest.Frame("U1"))
	}
	done.Wait()
	for _, f := range h.Out("m", 0) {
		if len(f) != 56 || f[14] != f[15] {
			t.Fatalf("%x", f)
		}
	}
}
