// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlanencap_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/etherencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/vxlanencap"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", vxlanencap.Class, etherencap.Class, genericencap.Class, ipencap.Class, setmetadata.Class)
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vxlanencap.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, vxlanencap.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, vxlanencap.Class, nil, moduletest.Frame("U1"))
}

// BESS cut the length to 16 bits; a packet whose length cannot be written is
// dropped.
func TestLengthBeyond16Bits(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vxlanencap.Class, nil)
	h.Send("m", 0, make([]byte, 65519+1), []byte{1}, make([]byte, 65519))
	if n := h.Counter("m", "too_long"); n != 1 || h.Deadends("m") != 1 {
		t.Errorf("%d counted, %d dropped", n, h.Deadends("m"))
	}
	if out := h.Out("m", 0); len(out) != 2 || len(out[0]) >= len(out[1]) {
		t.Errorf("%d packets left", len(out))
	}
}
