// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpudecap_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/gtpudecap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

// A tunnelled packet without and with PDU session container.
const (
	g1 = "06163e1b7232021e679f4dae0800450000440513000040110000c0a80a01c0a80a02086808680030000030ff0020112233444500002000010000401160800a3c00010808080813880035000c0d0661626364"
	g2 = "06163e1b7232021e679f4dae08004500004c0513000040110000c0a80a01c0a80a02086808680038000034ff00281122334400000085011009004500002000010000401160800a3c00010808080813880035000c0d0661626364"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", gtpudecap.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", gtpudecap.Class, nil)
	h.NoAllocs("m", []byte{1}, moduletest.Frame("U1"), moduletest.Frame(g1), moduletest.Frame(g2))
}

func FuzzProcess(f *testing.F) {
	for _, frame := range []string{g1, g2} {
		f.Add([]byte{1}, moduletest.Frame(frame), uint16(0))
	}
	moduletest.Fuzz(f, gtpudecap.Class, func([]byte) proto.Message { return nil })
}

func BenchmarkProcess(b *testing.B) {
	b.Run("plain", func(b *testing.B) { moduletest.Bench(b, gtpudecap.Class, nil, moduletest.Frame("U1")) })
	b.Run("tunnelled", func(b *testing.B) { moduletest.Bench(b, gtpudecap.Class, nil, moduletest.Frame(g2)) })
}
