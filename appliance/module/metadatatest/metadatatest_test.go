// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadatatest_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/metadatatest"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", metadatatest.Class, setmetadata.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, metadatatest.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", metadatatest.Class, &metadatatest.MetadataTestArg{Read: map[string]int64{"a": 4}})
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, metadatatest.Class, &metadatatest.MetadataTestArg{Read: map[string]int64{"a": 4}}, moduletest.Frame("U1"))
}
