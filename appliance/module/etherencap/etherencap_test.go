// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package etherencap_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/etherencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", etherencap.Class, setmetadata.Class, genericencap.Class)
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", etherencap.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, etherencap.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, etherencap.Class, nil, moduletest.Frame("U1"))
}
