// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exactmatch_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/exactmatch"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", exactmatch.Class, setmetadata.Class)
}

func at(offset, size uint32) *api.Field {
	return &api.Field{NumBytes: size, Position: &api.Field_Offset{Offset: offset}}
}

func num(v uint64) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}
}

func bin(b ...byte) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueBin{ValueBin: b}}
}

func TestErrorTexts(t *testing.T) {
	h := moduletest.New(t)
	arg := &exactmatch.ExactMatchArg{Fields: []*api.Field{at(26, 4), at(30, 4)}, Values: []*api.Field{at(0, 1)}, Entries: 1}
	h.MustCreate("em", exactmatch.Class, arg)
	rule := func(gate uint64, values int, fields ...*api.FieldData) *exactmatch.ExactMatchCommandAddArg {
		return &exactmatch.ExactMatchCommandAddArg{Gate: gate, Fields: fields, Values: make([]*api.FieldData, values)}
	}
	for _, c := range []struct {
		rule *exactmatch.ExactMatchCommandAddArg
		want string
	}{
		{rule(1, 1, num(1)), "fields: rule should have 2 fields (has 1)"},
		{rule(1, 1, num(1), bin(1, 2)), `fields[1].value_bin: "0102": should have size 4 (has 2)`},
		{rule(1, 1, num(1<<32), num(1)), "fields[0].value_int: 4294967296: is not a correct 4-byte value"},
		{rule(1, 2, num(1), num(1)), "values: rule has incorrect number of values. Need 1, has 2"},
		{rule(1, 1, num(1), num(1)), ""},
		{rule(1, 1, num(2), num(2)), "fields: the table is full: it has 1 rules, its limit"},
	} {
		_, err := h.Command("em", "add", c.rule)
		if got := fmt.Sprint(err); c.want != "" && got != c.want || c.want == "" && err != nil {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	config := &exactmatch.ExactMatchConfig{Rules: []*exactmatch.ExactMatchCommandAddArg{rule(0, 1, num(1), num(1)), rule(0, 1, num(2), num(1<<40))}}
	_, err := h.Command("em", "set_runtime_config", config)
	if want := "rules[1].fields[1].value_int: 1099511627776: is not a correct 4-byte value"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Masks given as bytes for places in the frame are turned around on demand, as
// in the original.
func TestReversedMasks(t *testing.T) {
	for _, on := range []string{"", "1"} {
		t.Setenv(exactmatch.ReversedMasks, on)
		h := moduletest.New(t)
		h.MustCreate("em", exactmatch.Class, &exactmatch.ExactMatchArg{Fields: []*api.Field{at(34, 2)}, Masks: []*api.FieldData{bin(0xff, 0)}})
		for gate, key := range []*api.FieldData{bin(0x27, 0), bin(0, 0x11)} {
			if _, err := h.Command("em", "add", &exactmatch.ExactMatchCommandAddArg{Gate: uint64(gate), Fields: []*api.FieldData{key}}); err != nil {
				t.Fatal(err)
			}
		}
		h.Send("em", 0, moduletest.Frame("U1"))
		if n := len(h.Out("em", len(on))); n != 1 {
			t.Errorf("%s=%s: the packet is not at gate %d", exactmatch.ReversedMasks, on, len(on))
		}
	}
}

// fiveTuple matches what load balancers match.
var fiveTuple = &exactmatch.ExactMatchArg{
	Fields:  []*api.Field{at(26, 4), at(30, 4), at(34, 2), at(36, 2), at(23, 1)},
	Values:  []*api.Field{{NumBytes: 4, Position: &api.Field_AttrName{AttrName: "id"}}},
	Entries: 1 << 20,
}

// Rules change while several workers look them up: rules that stay are always
// found, nothing is lost.
func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("em", exactmatch.Class, fiveTuple)
	rule := func(i uint64) *exactmatch.ExactMatchCommandAddArg {
		return &exactmatch.ExactMatchCommandAddArg{Gate: 1, Fields: []*api.FieldData{bin(172, 16, 100, 1), bin(10, 0, 0, 1), num(i & 0xffff), num(i >> 16), num(17)}, Values: []*api.FieldData{num(i)}}
	}
	do := func(cmd string, arg proto.Message) {
		if _, err := h.Command("em", cmd, arg); err != nil {
			t.Error(err)
		}
	}
	u1 := rule(10002<<16 | 10001)
	do("add", u1)
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = moduletest.Frame("U1")
	}
	sent := h.Storm("em", 3, frames, func() {
		for round := range uint64(20) {
			for i := range uint64(200) {
				do("add", rule(i))
				do("add", rule(i))
			}
			do("get_runtime_config", nil)
			for i := range uint64(200) {
				do("delete", &exactmatch.ExactMatchCommandDeleteArg{Fields: rule(i).Fields})
			}
			do("set_runtime_config", &exactmatch.ExactMatchConfig{DefaultGate: round, Rules: []*exactmatch.ExactMatchCommandAddArg{u1, rule(7)}})
			h.Desc("em")
		}
	})
	if hits := h.Counter("em", "hits"); hits != sent || h.Counter("em", "misses") != 0 || sent == 0 {
		t.Errorf("%d sent, %d hits, %d misses", sent, hits, h.Counter("em", "misses"))
	}
}

// The time of an add does not depend on the number of rules: what 100,000
// allocate is in proportion to what 10,000 do.
func TestAddIsLinear(t *testing.T) {
	allocs := func(n int) float64 {
		return testing.AllocsPerRun(1, func() {
			h := moduletest.New(t)
			h.MustCreate("em", exactmatch.Class, &exactmatch.ExactMatchArg{Fields: []*api.Field{at(0, 4)}, Entries: 1 << 20})
			for i := range n {
				if _, err := h.Command("em", "add", &exactmatch.ExactMatchCommandAddArg{Fields: []*api.FieldData{num(uint64(i))}}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	small, large := allocs(10_000), allocs(100_000)
	if large > 12*small {
		t.Errorf("10,000 rules take %v allocations, 100,000 take %v", small, large)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("em", exactmatch.Class, fiveTuple)
	h.NoAllocs("em", moduletest.Frame("U1"), moduletest.Frame("T1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, exactmatch.Class, func(seed []byte) proto.Message {
		return moduletest.NewDrawer(seed).Message(exactmatch.Class.Arg)
	})
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, exactmatch.Class, nil) }

// flows returns n frames with different sources.
func flows(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = append(moduletest.Frame("U1"), make([]byte, 8)...)
		binary.BigEndian.PutUint32(list[i][26:], uint32(i))
	}
	return list
}

// BenchmarkPipeline is Source -> Rewrite -> ExactMatch -> Sink on two fields;
// the 64 flows of Rewrite are spread over the rules.
func BenchmarkPipeline(b *testing.B) {
	for _, rules := range []int{1000, 100_000} {
		b.Run(strings.ReplaceAll(fmt.Sprint("rules=", rules), " ", ""), func(b *testing.B) {
			frames := flows(64)
			setup := func(h *moduletest.Harness) {
				for i := range rules {
					fields := []*api.FieldData{num(uint64(i)), bin(10, 0, 0, 1)}
					if _, err := h.Command("2", "add", &exactmatch.ExactMatchCommandAddArg{Fields: fields}); err != nil {
						b.Fatal(err)
					}
				}
			}
			for i, f := range frames {
				binary.BigEndian.PutUint32(f[26:], uint32(i*rules/64))
			}
			arg := &exactmatch.ExactMatchArg{Fields: []*api.Field{at(26, 4), at(30, 4)}, Entries: 1 << 20}
			moduletest.BenchPipeline(b, 1, setup, moduletest.Stage{Class: source.Class}, moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: frames}},
				moduletest.Stage{Class: exactmatch.Class, Arg: arg}, moduletest.Stage{Class: sink.Class})
		})
	}
	// For comparison, in the same run.
	b.Run("without", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, moduletest.Stage{Class: source.Class}, moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: flows(64)}},
			moduletest.Stage{Class: sink.Class})
	})
}

// BenchmarkProcess is Process alone, with all flows known or none.
func BenchmarkProcess(b *testing.B) {
	for _, a := range []*exactmatch.ExactMatchArg{{Fields: []*api.Field{at(26, 4), at(30, 4)}}, fiveTuple} {
		b.Run(fmt.Sprint("fields=", len(a.Fields)), func(b *testing.B) { moduletest.Bench(b, exactmatch.Class, a, flows(64)...) })
	}
}

var _ module.Updater = (*exactmatch.ExactMatch)(nil)
