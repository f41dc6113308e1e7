// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package qos_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/qos"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", qos.Class, setmetadata.Class)
}

func at(offset, size uint32) *api.Field {
	return &api.Field{NumBytes: size, Position: &api.Field_Offset{Offset: offset}}
}

func num(v uint64) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}
}

// byProtocol looks the protocol of IPv4 up and writes an attribute.
var byProtocol = &qos.QosArg{
	Fields: []*api.Field{at(23, 1)},
	Values: []*api.Field{{NumBytes: 1, Position: &api.Field_AttrName{AttrName: "qfi"}}},
}

// metered returns a rule for a protocol with so many bytes in each bucket.
func metered(proto, cbs, pbs uint64) *qos.QosCommandAddArg {
	return &qos.QosCommandAddArg{Cir: 1, Pir: 1, Cbs: cbs, Pbs: pbs, Fields: []*api.FieldData{num(proto)}, Values: []*api.FieldData{num(1)}}
}

func TestErrorTexts(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", qos.Class, byProtocol)
	for _, c := range []struct {
		arg  *qos.QosCommandAddArg
		want string
	}{
		{&qos.QosCommandAddArg{Gate: 2, Fields: []*api.FieldData{num(1)}}, "gate: Invalid gate: 2: must be 0 to meter, 4..8191, or 8192 to drop"},
		{&qos.QosCommandAddArg{Gate: 4, Fields: []*api.FieldData{num(1), num(2)}}, "fields: must specify 1 values, one for each field, not 2"},
		{&qos.QosCommandAddArg{Gate: 4, Fields: []*api.FieldData{num(1)}}, "values: must specify 1 results, one for each place, not 0"},
		{&qos.QosCommandAddArg{Pir: 1, Cbs: 1, Pbs: 1, Fields: []*api.FieldData{num(1)}}, "cir: 0: must be at least 1 for a meter"},
		{&qos.QosCommandAddArg{Cir: 2, Pir: 1, Cbs: 1, Pbs: 1, Fields: []*api.FieldData{num(1)}}, "pir: 1: must not be below cir (2)"},
	} {
		if _, err := h.Command("m", "add", c.arg); errno.Code(err) != errno.EINVAL || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// The tokens of one rule are given out once, however many workers ask; in BESS
// they changed the same buckets without a lock.
func TestWorkersShareAMeter(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", qos.Class, byProtocol)
	const packets = 1000
	if _, err := h.Command("m", "add", metered(17, 38*packets, 2*38*packets)); err != nil {
		t.Fatal(err)
	}
	frames := make([][]byte, 32)
	for i := range frames {
		frames[i] = moduletest.Frame("U1")
	}
	sent := h.Storm("m", 4, frames, func() {
		for h.Counter("m", "red") < packets {
			h.Desc("m")
		}
	})
	// A second more or less of 1 byte/s makes no packet.
	g, y, r := h.Counter("m", "green"), h.Counter("m", "yellow"), h.Counter("m", "red")
	if g != packets || y != packets || g+y+r != sent {
		t.Errorf("%d sent: %d green, %d yellow, %d red", sent, g, y, r)
	}
}

// Rules come and go while several workers meter by them.
func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", qos.Class, &qos.QosArg{Fields: byProtocol.Fields, Values: byProtocol.Values, Entries: 8})
	do := func(cmd string, arg proto.Message) {
		if _, err := h.Command("m", cmd, arg); err != nil && errno.Code(err) != errno.EAGAIN {
			t.Errorf("%s: %v", cmd, err)
		}
	}
	do("add", metered(6, 100, 100))
	frames := [][]byte{moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("I1")}
	sent := h.Storm("m", 3, frames, func() {
		for i := range uint64(300) {
			for range 3 {
				do("add", metered(17, 100+i, 1000))
			}
			do("add", &qos.QosCommandAddArg{Gate: 4 + i%2, Fields: []*api.FieldData{num(1)}, Values: []*api.FieldData{num(1)}})
			do("set_default_gate", &qos.QosCommandSetDefaultGateArg{Gate: 4 + i%3})
			do("delete", &qos.QosCommandDeleteArg{Fields: []*api.FieldData{num(17)}})
			if i%10 == 0 {
				do("clear", nil)
				do("add", metered(6, 100, 100))
			}
			do("delete", &qos.QosCommandDeleteArg{Fields: []*api.FieldData{num(6)}})
			do("add", metered(6, 100, 100))
			if i%10 == 0 {
				continue
			}
			h.Desc("m")
		}
	})
	sum := uint64(0)
	for _, c := range []string{"green", "yellow", "red", "unmetered", "misses"} {
		sum += h.Counter("m", c)
	}
	if sum != sent || sent == 0 {
		t.Errorf("%d sent, %d counted", sent, sum)
	}
}

// Meters of rules that were replaced are used again: there are never more than
// the table has rules.
func TestMetersAreReused(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", qos.Class, &qos.QosArg{Fields: byProtocol.Fields, Values: byProtocol.Values, Entries: 4})
	for i := range uint64(10_000) {
		if _, err := h.Command("m", "add", metered(i%4, 100, 100)); err != nil {
			t.Fatalf("rule %d: %v", i, err)
		}
		if i%100 == 0 {
			if _, err := h.Command("m", "clear", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", qos.Class, byProtocol)
	if _, err := h.Command("m", "add", metered(17, 1000, 2000)); err != nil {
		t.Fatal(err)
	}
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("T1"), []byte{1})
}

// draw returns an argument with fields and places from the fuzzer's bytes.
func draw(seed []byte) *qos.QosArg {
	a := &qos.QosArg{}
	for i := 0; i+2 < len(seed) && i < 30; i += 3 {
		f := at(uint32(seed[i+1]), uint32(seed[i+2]%9))
		if seed[i]%4 == 1 {
			f.Position = &api.Field_AttrName{AttrName: fmt.Sprint("a", seed[i+1]%8)}
		}
		if seed[i]%2 == 0 {
			a.Fields = append(a.Fields, f)
		} else {
			a.Values = append(a.Values, f)
		}
	}
	a.Entries = uint64(len(seed)) % 5
	return a
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{0, 23, 1, 1, 3, 1}, moduletest.Frame("U1"), uint64(17), uint64(100), int64(14))
	f.Fuzz(func(t *testing.T, seed, data []byte, v, depth uint64, deduct int64) {
		if len(data) > 4000 {
			return
		}
		h := moduletest.New(t)
		arg := draw(seed)
		if h.Create("m", qos.Class, arg) != nil {
			return
		}
		fill := func(n int) []*api.FieldData {
			list := make([]*api.FieldData, n)
			for i := range list {
				list[i] = num(v >> (8 * i))
			}
			return list
		}
		rule := &qos.QosCommandAddArg{Gate: v % 9000 * (depth % 2), Cir: depth, Pir: depth, Cbs: depth, Pbs: depth,
			Fields: fill(len(arg.Fields)), Values: fill(len(arg.Values)),
			OptionalDeductLen: &qos.QosCommandAddArg_DeductLen{DeductLen: deduct}}
		zero := proto.CloneOf(rule)
		zero.Fields = make([]*api.FieldData, len(arg.Fields))
		for range 3 {
			_, _ = h.Command("m", "add", rule)
			_, _ = h.Command("m", "add", zero)
			h.Send("m", 0, data, data[:len(data)/2], nil)
			_, _ = h.Command("m", "delete", &qos.QosCommandDeleteArg{Fields: rule.Fields})
			_, _ = h.Command("m", "set_default_gate", &qos.QosCommandSetDefaultGateArg{Gate: v})
			h.Send("m", 0, data, data[:len(data)/2], nil)
			_, _ = h.Command("m", "clear", nil)
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	for _, rules := range []uint64{1, 10_000} {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			h := moduletest.New(b)
			h.MustCreate("m", qos.Class, &qos.QosArg{Fields: []*api.Field{at(26, 4), at(30, 4)}})
			for i := range rules {
				if _, err := h.Command("m", "add", &qos.QosCommandAddArg{Cir: 1e9, Pir: 1e9, Cbs: 1e6, Pbs: 1e6, Fields: []*api.FieldData{num(i << 16), num(0)}}); err != nil {
					b.Fatal(err)
				}
			}
			frames := make([][]byte, 64)
			for i := range frames {
				frames[i] = moduletest.Frame("U1")
				copy(frames[i][26:34], []byte{0, 0, byte(uint64(i) * 157 % rules), byte(uint64(i) * 157 % rules >> 8), 0, 0, 0, 0})
			}
			h.Bench(b, "m", frames...)
			if h.Counter("m", "misses") > 0 {
				b.Fatal("packets did not match")
			}
		})
	}
}
