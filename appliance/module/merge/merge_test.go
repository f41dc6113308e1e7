// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package merge_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/merge"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", merge.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", merge.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, merge.Class, func([]byte) proto.Message { return nil })
}

func BenchmarkMerge(b *testing.B) { moduletest.Bench(b, merge.Class, nil, make([]byte, 60)) }
