// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipswap_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/ipswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/macswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", ipswap.Class, macswap.Class, l4checksum.Class)
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipswap.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, ipswap.Class) }

func BenchmarkProcess(b *testing.B) { moduletest.Bench(b, ipswap.Class, nil, moduletest.Frame("U1")) }
