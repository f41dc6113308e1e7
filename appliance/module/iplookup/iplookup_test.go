// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package iplookup_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/iplookup"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", iplookup.Class) }

func TestErrorTexts(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("rt", iplookup.Class, &iplookup.IPLookupArg{MaxRules: 1})
	for _, c := range []struct {
		prefix string
		length uint64
		want   string
	}{
		{"22.22.22.0", 16, "prefix: Invalid IP prefix 22.22.22.0/16: bits beyond the length are set, the network is 22.22.0.0/16"},
		{"10.0.0.0", 8, ""},
		{"11.0.0.0", 8, "prefix: 11.0.0.0/8: the table is full: it has 1 rules, its limit"},
	} {
		_, err := h.Command("rt", "add", &iplookup.IPLookupCommandAddArg{Prefix: c.prefix, PrefixLen: c.length})
		if got := fmt.Sprint(err); c.want != "" && got != c.want || c.want == "" && err != nil {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// The original's clear may leave the module without a table, and the next
// packet then kills the daemon: here packets flow while routes come and go.
func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("rt", iplookup.Class, nil)
	do := func(cmd string, arg proto.Message) {
		if _, err := h.Command("rt", cmd, arg); err != nil {
			t.Error(err)
		}
	}
	add := func(prefix string, length, gate uint64) {
		do("add", &iplookup.IPLookupCommandAddArg{Prefix: prefix, PrefixLen: length, Gate: gate})
	}
	frames := [][]byte{moduletest.Frame("U1"), moduletest.Frame("I1"), moduletest.Frame("A1")}
	sent := h.Storm("rt", 3, frames, func() {
		for i := range 15 {
			do("clear", nil)
			add("0.0.0.0", 0, uint64(i))
			for j := range 100 {
				add(fmt.Sprintf("10.0.%d.0", j), 24, 1)
				add(fmt.Sprintf("10.0.%d.%d", j, j), 32, 2)
			}
			for j := range 100 {
				do("delete", &iplookup.IPLookupCommandDeleteArg{Prefix: fmt.Sprintf("10.0.%d.%d", j, j), PrefixLen: 32})
			}
			if err := h.Update("rt", &iplookup.IPLookupArg{MaxRules: uint32(2000 + i)}); err != nil {
				t.Error(err)
			}
		}
	})
	if n := h.Counter("rt", "not_ipv4"); n != sent/3 || sent == 0 {
		t.Errorf("%d of %d packets were not IPv4, want a third", n, sent)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("rt", iplookup.Class, nil)
	h.NoAllocs("rt", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, iplookup.Class, func(seed []byte) proto.Message {
		d := moduletest.NewDrawer(seed)
		return &iplookup.IPLookupArg{MaxRules: uint32(d.Byte()), MaxTbl8S: uint32(d.Byte())}
	})
}

func FuzzCommands(f *testing.F) {
	moduletest.FuzzCommands(f, iplookup.Class, func(d *moduletest.Drawer) proto.Message {
		return &iplookup.IPLookupArg{MaxRules: uint32(d.Byte() % 8), MaxTbl8S: uint32(d.Byte() % 4)}
	})
}

// scatter gives packets random destinations, all of IPv4.
type scatter struct{ rng uint64 }

func (s *scatter) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		s.rng = s.rng*6364136223846793005 + 1442695040888963407
		binary.BigEndian.PutUint32(p.Bytes()[30:], uint32(s.rng>>32))
	}
	ctx.EmitBatch(b, 0)
}

var scatterClass = &module.Class{Name: "Scatter", Prefix: "s", IGates: 1, OGates: 1,
	New: func(*module.Env, proto.Message) (module.Module, error) { return &scatter{}, nil }}

// BenchmarkPipeline is Source -> Rewrite -> random destinations -> IPLookup ->
// Sink.
func BenchmarkPipeline(b *testing.B) {
	frame := append(moduletest.Frame("U1"), make([]byte, 8)...)
	head := []moduletest.Stage{{Class: source.Class}, {Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: [][]byte{frame}}}, {Class: scatterClass}}
	for _, routes := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("routes=", routes), func(b *testing.B) {
			moduletest.BenchPipeline(b, 1, func(h *moduletest.Harness) {
				rng := rand.New(rand.NewPCG(1, 1))
				for range routes {
					length := 16 + rng.Uint32N(9)
					addr := rng.Uint32() & header.Mask4(uint8(length))
					if _, err := h.Command("3", "add", &iplookup.IPLookupCommandAddArg{Prefix: header.FormatIPv4(addr), PrefixLen: uint64(length)}); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := h.Command("3", "add", &iplookup.IPLookupCommandAddArg{Prefix: "0.0.0.0"}); err != nil {
					b.Fatal(err)
				}
			}, append(head[:3:3], moduletest.Stage{Class: iplookup.Class, Arg: &iplookup.IPLookupArg{MaxRules: 1 << 20}}, moduletest.Stage{Class: sink.Class})...)
		})
	}
	b.Run("without", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, append(head[:3:3], moduletest.Stage{Class: sink.Class})...)
	})
}
