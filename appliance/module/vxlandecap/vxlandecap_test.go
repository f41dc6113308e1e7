// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlandecap_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/split"
	"github.com/bessform/terraform-provider-bess/appliance/module/vxlandecap"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", vxlandecap.Class, setmetadata.Class, split.Class)
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vxlandecap.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, vxlandecap.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, vxlandecap.Class, nil, moduletest.Frame("U1"))
}
