// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipdefrag_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/ipdefrag"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipfrag"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", ipdefrag.Class, ipfrag.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, ipdefrag.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipdefrag.Class, &ipdefrag.IPDefragArg{NumFlows: 100})
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, ipdefrag.Class, &ipdefrag.IPDefragArg{NumFlows: 100}, moduletest.Frame("U1"))
}
