// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vlansplit_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/vlansplit"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", vlansplit.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vlansplit.Class, nil)
	h.NoAllocs("m", moduletest.Frame("V1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, vlansplit.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, vlansplit.Class, nil, moduletest.Frame("V1"))
}
