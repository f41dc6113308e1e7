// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"encoding/binary"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("n", Class, oneAddr("1.1.1.1"))
	h.NoAllocs("n", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("I1"), moduletest.Frame("A1"))
	// Nor does a new mapping.
	m := h.Instance("n").(*NAT)
	var i uint32
	if n := testing.AllocsPerRun(1000, func() {
		i++
		m.table.create(makeKey(udp, i, 5000), &m.conf, 0)
	}); n != 0 {
		t.Errorf("%v allocations per mapping", n)
	}
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, Class, func(seed []byte) proto.Message {
		a := oneAddr("172.16.100.1")
		for ; len(seed) >= 4; seed = seed[4:] {
			r := &NATArg_PortRange{Begin: uint32(seed[0]) << 8, Suspended: seed[1]&1 == 1}
			r.End = r.Begin + uint32(seed[2])
			a.ExtAddrs = append(a.ExtAddrs, &NATArg_ExternalAddress{ExtAddr: fmt.Sprintf("10.0.0.%d", seed[3]), PortRanges: []*NATArg_PortRange{r}})
		}
		return a
	})
}

func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, Class) }

// flows is a module that gives every packet the next of n inside endpoints.
type flows struct {
	frames [][]byte
	next   int
}

func (m *flows) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		copy(p.Bytes(), m.frames[m.next])
		if m.next++; m.next == len(m.frames) {
			m.next = 0
		}
	}
	ctx.EmitBatch(b, 0)
}

// BenchmarkPipeline is Source, a module that writes the headers of n flows in
// turn, NAT from the inside, Sink; and the same without NAT.
func BenchmarkPipeline(b *testing.B) {
	for _, with := range []bool{false, true} {
		for _, n := range []int{1, 1000, 10000, 60000} {
			b.Run(fmt.Sprintf("nat=%v/%dflows", with, n), func(b *testing.B) {
				h := moduletest.New(b)
				fl := &flows{}
				for i := range n {
					f := sent{header.ProtoUDP, "10.0.0.1", 5000, "8.8.8.8", 53, 0}.frame()
					binary.BigEndian.PutUint32(f[26:], 10<<24+uint32(i)*7)
					fl.frames = append(fl.frames, f)
				}
				h.MustCreate("src", source.Class, nil)
				h.MustCreate("flows", &module.Class{Name: "Flows", IGates: 1, OGates: 1,
					New: func(*module.Env, proto.Message) (module.Module, error) { return fl, nil }}, nil)
				h.MustCreate("sink", sink.Class, nil)
				h.Connect("src", 0, "flows", 0)
				if with {
					h.MustCreate("nat", Class, oneAddr("1.1.1.1"))
					h.Connect("flows", 0, "nat", 0)
					h.Connect("nat", 1, "sink", 0)
				} else {
					h.Connect("flows", 0, "sink", 0)
				}
				h.BenchTasks(b, "src")
			})
		}
	}
}

// BenchmarkCreate measures a new mapping, and the search for a port when one
// in a hundred is free.
func BenchmarkCreate(b *testing.B) {
	r := newRig(b, oneAddr("1.1.1.1"))
	t := r.m.table
	for i := range uint32(63800) {
		t.create(makeKey(udp, i+1, 5000), &r.m.conf, 0)
	}
	space := r.m.conf.Load().addrs[0].space
	var i uint32
	for b.Loop() {
		i++
		_, out, _ := t.create(makeKey(udp, 1<<30+i, 5000), &r.m.conf, 0)
		t.lock.Lock()
		t.remove(space.index[udp][out.port()].Load())
		t.lock.Unlock()
	}
}
