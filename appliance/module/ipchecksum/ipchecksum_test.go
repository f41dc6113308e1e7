// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipchecksum_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipchecksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/update"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", ipchecksum.Class, update.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipchecksum.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, ipchecksum.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, ipchecksum.Class, nil, moduletest.Frame("U1"))
}

// flags is a module that marks packets as a network interface would.
type flags uint32

func (f flags) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		p.SetFlags(uint32(f))
	}
	ctx.EmitBatch(b, 0)
}

func marker(f uint32) *module.Class {
	return &module.Class{Name: "Flags", Prefix: "flags", IGates: 1, OGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return flags(f), nil }}
}

// With hw the interface's verdict counts and the packet is not looked at; a
// checksum that was computed anew has no verdict any more.
func TestVerdictOfTheInterface(t *testing.T) {
	hw := &ipchecksum.IPChecksumArg{Verify: true, Hw: true}
	h := moduletest.New(t)
	h.MustCreate("mark", marker(packet.FlagBadIPChecksum), nil)
	h.MustCreate("verify", ipchecksum.Class, hw)
	h.MustCreate("compute", ipchecksum.Class, nil)
	h.MustCreate("again", ipchecksum.Class, hw)
	h.Connect("mark", 0, "verify", 0)
	h.Connect("verify", 1, "compute", 0)
	h.Connect("compute", 0, "again", 0)
	h.Send("mark", 0, moduletest.Frame("U1"))
	if good, again := h.Out("verify", 0), h.Out("again", 0); len(good) != 0 || len(again) != 1 {
		t.Errorf("%d packets left as good, %d after computing", len(good), len(again))
	}
}
