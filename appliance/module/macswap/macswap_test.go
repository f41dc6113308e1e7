// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package macswap_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/macswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", macswap.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", macswap.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, macswap.Class, func([]byte) proto.Message { return nil })
}

func BenchmarkMACSwap(b *testing.B) { moduletest.Bench(b, macswap.Class, nil, make([]byte, 60)) }
