// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowmeasure_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/flowmeasure"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/timestamp"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", flowmeasure.Class, setmetadata.Class, timestamp.Class)
}

type (
	readArg  = flowmeasure.FlowMeasureCommandReadArg
	response = flowmeasure.FlowMeasureReadResponse
)

// stamp is a module that takes session, rule and set from the frame and the
// time from the clock.
type stamp struct{ ids [4]module.AttrID }

var stampClass = &module.Class{Name: "Stamp", IGates: 1, OGates: 1, MaxWorkers: 64,
	New: func(env *module.Env, _ proto.Message) (module.Module, error) {
		s := &stamp{}
		for i, a := range []module.Attr{{Name: "timestamp", Size: 8}, {Name: "fseid", Size: 8}, {Name: "pdr_id", Size: 4}, {Name: "f", Size: 8}} {
			var err error
			if s.ids[i], err = env.AddAttr(a.Name, a.Size, module.Write); err != nil {
				return nil, err
			}
		}
		return s, nil
	}}

func (s *stamp) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		d, md := p.Bytes(), p.Metadata()
		put := func(i int, v uint64) {
			if off := ctx.Attr(s.ids[i]); off >= 0 {
				binary.LittleEndian.PutUint64(md[off:], v)
			}
		}
		put(0, max(ctx.NowNS(), 1))
		put(1, uint64(d[0]))
		put(3, uint64(d[2]))
		if off := ctx.Attr(s.ids[2]); off >= 0 {
			binary.LittleEndian.PutUint32(md[off:], uint32(d[1]))
		}
	}
	ctx.EmitBatch(b, 0)
}

// instance returns a follower behind a stamp.
func instance(t testing.TB, entries uint64) *moduletest.Harness {
	h := moduletest.New(t)
	h.MustCreate("stamp", stampClass, nil)
	h.MustCreate("m", flowmeasure.Class, &flowmeasure.FlowMeasureArg{FlagAttrName: "f", Entries: entries})
	h.Connect("stamp", 0, "m", 0)
	return h
}

// frame is of 100 bytes for a flow and a set.
func frame(session, rule, set byte) []byte {
	return append([]byte{session, rule, set}, make([]byte, 97)...)
}

func read(t testing.TB, h *moduletest.Harness, arg *readArg) []*flowmeasure.FlowMeasureReadResponse_Statistic {
	t.Helper()
	r, err := h.Command("m", "read", arg)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*response).Statistics
}

func TestFlowsAndSets(t *testing.T) {
	h := instance(t, 0)
	h.Send("stamp", 0, frame(1, 1, 1), frame(1, 2, 1), frame(1, 1, 1), frame(1, 1, 2), frame(2, 1, 2), frame(1, 1, 0), frame(1, 1, 3))
	one, two := read(t, h, &readArg{FlagToRead: 1, LatencyPercentiles: []float64{50, 90, 99}, JitterPercentiles: []float64{99, 50}}), read(t, h, &readArg{FlagToRead: 2})
	if len(one) != 2 || len(two) != 2 || h.Counter("m", "unmarked") != 2 || h.Counter("m", "measured") != 5 {
		t.Fatalf("sets %v and %v", one, two)
	}
	if s := one[0]; s.Fseid != 1 || s.Pdr != 1 || s.TotalPackets != 2 || s.TotalBytes != 200 || len(s.Latency.PercentileValuesNs) != 3 || len(s.Jitter.PercentileValuesNs) != 2 {
		t.Errorf("%v", s)
	}
	if s := two[1]; s.Fseid != 2 || s.Latency == nil || s.Jitter == nil {
		t.Errorf("%v", s)
	}
	if read(t, h, &readArg{FlagToRead: 1, Clear: true}); len(read(t, h, &readArg{FlagToRead: 1})) != 0 || len(read(t, h, &readArg{FlagToRead: 2})) != 2 {
		t.Error("clearing set 1")
	}
	h.Send("stamp", 0, frame(1, 1, 1))
	if s := read(t, h, &readArg{FlagToRead: 1}); len(s) != 1 || s[0].Jitter.MaxNs != 0 {
		t.Errorf("after clearing: %v", s)
	}
}

// A full table measures the flows it has.
func TestTableFull(t *testing.T) {
	h := instance(t, 3)
	for i := range byte(6) {
		h.Send("stamp", 0, frame(i%5, 0, 1))
	}
	if s := read(t, h, &readArg{FlagToRead: 1}); len(s) != 3 || s[0].TotalPackets != 2 || h.Counter("m", "table_full") != 2 {
		t.Errorf("%d flows, %d packets without", len(s), h.Counter("m", "table_full"))
	}
}

// Reading and clearing while packets flow loses none. In BESS the same tables
// were read, reset and written at the same time.
func TestNothingIsLostByClearing(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			h := instance(t, 100)
			var packets uint64
			add := func() {
				for set := range uint64(2) {
					for _, s := range read(t, h, &readArg{FlagToRead: set + 1, Clear: true}) {
						packets += s.TotalPackets
						if s.Latency.Count != s.TotalPackets || s.Jitter.Count != s.TotalPackets || s.TotalBytes != 100*s.TotalPackets {
							t.Errorf("an emptied set is not at rest: %v", s)
						}
					}
				}
			}
			sent := h.Storm("stamp", workers, [][]byte{frame(1, 1, 1), frame(2, 2, 2), frame(3, 3, 1)}, func() {
				for range 100 {
					add()
					read(t, h, &readArg{FlagToRead: 1, LatencyPercentiles: []float64{50}})
				}
			})
			add()
			if busy := h.Counter("m", "busy"); packets+busy != sent || packets == 0 || workers == 1 && busy != 0 {
				t.Errorf("%d sent, %d read, %d not measured", sent, packets, busy)
			}
		})
	}
}

func TestErrorTexts(t *testing.T) {
	h := moduletest.New(t)
	err := h.Create("m", flowmeasure.Class, &flowmeasure.FlowMeasureArg{FlagAttrName: "timestamp"})
	if errno.Code(err) != errno.EINVAL {
		t.Error(err)
	}
	h.MustCreate("m", flowmeasure.Class, &flowmeasure.FlowMeasureArg{FlagAttrName: "f"})
	if _, err := h.Command("m", "flip", nil); err == nil || err.Error() != "only leaders can flip the flag: this instance follows another one" {
		t.Error(err)
	}
}

func TestNoAllocs(t *testing.T) {
	h := instance(t, 10)
	h.NoAllocs("stamp", frame(1, 1, 1), frame(1, 2, 2), frame(1, 1, 9))
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, uint64(5), 50.0)
	f.Fuzz(func(t *testing.T, flows []byte, entries uint64, p float64) {
		h := moduletest.New(t)
		h.MustCreate("stamp", stampClass, nil)
		if h.Create("m", flowmeasure.Class, &flowmeasure.FlowMeasureArg{FlagAttrName: "f", Entries: entries % 70000, Leader: len(flows)%2 == 0}) != nil {
			return
		}
		h.Connect("stamp", 0, "m", 0)
		for _, c := range flows[:min(len(flows), 200)] {
			h.Send("stamp", 0, frame(c>>4, c&3, c%5))
			if r, err := h.Command("m", "read", &readArg{FlagToRead: uint64(c % 4), Clear: c%7 == 0, LatencyPercentiles: []float64{p}}); err == nil {
				for _, s := range r.(*response).Statistics {
					if len(s.Latency.PercentileValuesNs) != 1 || s.Latency.Count != s.TotalPackets {
						t.Fatalf("%v", s)
					}
				}
			}
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	h := instance(b, 0)
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = frame(byte(i), 1, 1)
	}
	h.Bench(b, "stamp", frames...)
	if !slices.ContainsFunc(read(b, h, &readArg{FlagToRead: 1}), func(s *flowmeasure.FlowMeasureReadResponse_Statistic) bool { return s.Fseid == 63 }) {
		b.Error("nothing was measured")
	}
}
