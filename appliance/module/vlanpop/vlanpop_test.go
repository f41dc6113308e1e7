// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vlanpop_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/vlanpop"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", vlanpop.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", vlanpop.Class, nil)
	h.NoAllocs("m", moduletest.Frame("V1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, vlanpop.Class) }

func BenchmarkProcess(b *testing.B) { moduletest.Bench(b, vlanpop.Class, nil, moduletest.Frame("V1")) }
