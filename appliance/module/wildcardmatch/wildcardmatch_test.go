// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcardmatch_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/split"
	"github.com/bessform/terraform-provider-bess/appliance/module/wildcardmatch"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", wildcardmatch.Class, split.Class)
}

func at(offset, size uint32) *api.Field {
	return &api.Field{NumBytes: size, Position: &api.Field_Offset{Offset: offset}}
}

func num(v uint64) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}
}

func rule(gate uint64, priority int64, src, srcMask, dport, dportMask uint64) *wildcardmatch.WildcardMatchCommandAddArg {
	return &wildcardmatch.WildcardMatchCommandAddArg{Gate: gate, Priority: priority,
		Values: []*api.FieldData{num(src), num(dport)}, Masks: []*api.FieldData{num(srcMask), num(dportMask)}}
}

var arg = &wildcardmatch.WildcardMatchArg{Fields: []*api.Field{at(26, 4), at(36, 2)}}

// C26: the original has 16 or 8 masks and never gives one back; here many fit,
// the last rule frees its mask, and the limit is an error.
func TestC26ManyMasks(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("wm", wildcardmatch.Class, arg)
	add := func(i uint64) error {
		_, err := h.Command("wm", "add", rule(1, 0, 0, i, 0, 0))
		return err
	}
	for round := range uint64(3) {
		for i := range uint64(1024) {
			if err := add(round<<16 | i); err != nil {
				t.Fatal(err)
			}
		}
		if err := add(1 << 30); err == nil || err.Error() != "values: failed to add a rule: no room for another combination of masks: there are 1024" {
			t.Fatalf("mask 1025: %v", err)
		}
		for i := range uint64(1024) {
			r := rule(0, 0, 0, round<<16|i, 0, 0)
			if _, err := h.Command("wm", "delete", &wildcardmatch.WildcardMatchCommandDeleteArg{Values: r.Values, Masks: r.Masks}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("wm", wildcardmatch.Class, arg)
	do := func(cmd string, arg proto.Message) {
		if _, err := h.Command("wm", cmd, arg); err != nil {
			t.Error(err)
		}
	}
	stays := rule(1, 5, 0xac100000, 0xffff0000, 0, 0)
	do("add", stays)
	sent := h.Storm("wm", 3, [][]byte{moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("I1")}, func() {
		for range uint64(10) {
			for i := range uint64(200) {
				do("add", rule(2, int64(i%9), i, 0xff, i, 0xffff>>(i%7)|i))
			}
			do("get_runtime_config", nil)
			for i := range uint64(200) {
				r := rule(2, 0, i, 0xff, i, 0xffff>>(i%7)|i)
				do("delete", &wildcardmatch.WildcardMatchCommandDeleteArg{Values: r.Values, Masks: r.Masks})
			}
			do("set_runtime_config", &wildcardmatch.WildcardMatchConfig{Rules: []*wildcardmatch.WildcardMatchCommandAddArg{rule(3, 1, 1, 1, 0, 0), stays}})
		}
	})
	if n := h.Counter("wm", "misses"); n != 0 || sent == 0 {
		t.Errorf("%d of %d packets missed the rule that stayed", n, sent)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("wm", wildcardmatch.Class, arg)
	for i := range uint64(3) {
		if _, err := h.Command("wm", "add", rule(1, 0, 0, i, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	h.NoAllocs("wm", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, wildcardmatch.Class, func(seed []byte) proto.Message {
		return moduletest.NewDrawer(seed).Message(wildcardmatch.Class.Arg)
	})
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, wildcardmatch.Class, nil) }

// BenchmarkPipeline is Source -> Rewrite -> WildcardMatch -> Sink with rules
// over eight masks. The memo knows the 64 flows of Rewrite; for flows not seen
// before see the benchmark of the table.
func BenchmarkPipeline(b *testing.B) {
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = append(moduletest.Frame("U1"), make([]byte, 8)...)
		binary.BigEndian.PutUint32(frames[i][26:], uint32(i)*0x01010101)
	}
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: frames}}
	for _, rules := range []int{10, 1000} {
		b.Run(fmt.Sprint("rules=", rules), func(b *testing.B) {
			moduletest.BenchPipeline(b, 1, func(h *moduletest.Harness) {
				for i := range uint64(rules) {
					mask := uint64(0xffffffff) << (i % 8 * 2) & 0xffffffff
					if _, err := h.Command("2", "add", rule(0, int64(i%5), i*0x01234567&mask, mask, 0, 0)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := h.Command("2", "set_default_gate", &wildcardmatch.WildcardMatchCommandSetDefaultGateArg{}); err != nil {
					b.Fatal(err)
				}
			}, moduletest.Stage{Class: source.Class}, rw, moduletest.Stage{Class: wildcardmatch.Class, Arg: arg}, moduletest.Stage{Class: sink.Class})
		})
	}
	b.Run("without", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, moduletest.Stage{Class: source.Class}, rw, moduletest.Stage{Class: sink.Class})
	})
}
