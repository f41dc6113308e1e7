// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package counter is the module class Counter (spec: modules/mobile.md).
package counter

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes Counter.
var Class = &module.Class{
	Name:       "Counter",
	Prefix:     "counter",
	Help:       "counts packets and bytes per number in metadata",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*CounterArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<name_id>", Size: "4", Mode: module.Read, Help: "number of the counter, least significant byte first"},
	},
	Counters: []module.CounterDoc{
		countRange: {Name: "out_of_range", Unit: "packets", Help: "not counted: the number is not below total"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "notes a session", (*Counter).add),
		module.Do("removeAll", module.Concurrent, "sets all counters to zero", (*Counter).removeAll),
		module.Do("remove", module.Concurrent, "ends a session and sets its counters to zero", (*Counter).remove),
		module.Ask("read", module.Concurrent, "tells counters", (*Counter).read),
	},
	New: module.New(create),
}

// countRange is the index of the class's counter.
const countRange = 0

const (
	attrSize = 4
	// maxRead is how many counters one answer of read holds: about 2 MB.
	maxRead = 65536
)

// Words of a counter.
const (
	wordPackets = iota
	wordBytes
	words
)

// Counter is an instance. The counters are shared by all workers, which add to
// them atomically.
type Counter struct {
	id       module.AttrID
	total    uint32
	counters []uint64 // outside the Go heap
	sessions atomic.Int64
}

func create(env *module.Env, arg *CounterArg) (*Counter, error) {
	if arg.GetNameId() == "" {
		return nil, module.Invalid("name_id", "", "Invalid counter idx name: must name a metadata attribute")
	}
	if arg.GetTotal() == 0 {
		return nil, module.Invalid("total", 0, "Invalid total number: must be at least 1")
	}
	m := &Counter{total: arg.GetTotal()}
	var err error
	if m.id, err = env.AddAttr(arg.GetNameId(), attrSize, module.Read); err != nil {
		return nil, errno.Wrap(err, "name_id: %q", arg.GetNameId())
	}
	if m.counters, err = sys.MapWords(int(m.total) * words); err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "total: %d: no memory for so many counters: %v", m.total, err)
	}
	return m, nil
}

// Process counts all packets and sends them to gate 0. A number that nobody
// writes is 0.
func (m *Counter) Process(ctx *module.Context, b *packet.Batch) {
	off := ctx.Attr(m.id)
	far := 0
	for _, p := range b.Packets() {
		var id uint32
		if off >= 0 {
			id = binary.LittleEndian.Uint32(p.Metadata()[off:])
		}
		if id >= m.total {
			far++
			continue
		}
		c := m.counter(id)
		atomic.AddUint64(&c[wordPackets], 1)
		atomic.AddUint64(&c[wordBytes], uint64(p.TotalLen()))
	}
	if far > 0 {
		ctx.Count(countRange, uint64(far))
	}
	ctx.EmitBatch(b, 0)
}

// counter returns the words of a counter; id is below total.
func (m *Counter) counter(id uint32) *[words]uint64 {
	return (*[words]uint64)(m.counters[int(id)*words:])
}

func (m *Counter) add(*CounterAddArg) error {
	m.sessions.Add(1)
	return nil
}

func (m *Counter) remove(arg *CounterRemoveArg) error {
	if id := arg.GetCtrId(); id < m.total {
		c := m.counter(id)
		atomic.StoreUint64(&c[wordPackets], 0)
		atomic.StoreUint64(&c[wordBytes], 0)
	}
	if m.sessions.Load() > 0 {
		m.sessions.Add(-1)
	}
	return nil
}

func (m *Counter) removeAll(*api.EmptyArg) error {
	sys.ZeroWords(m.counters)
	m.sessions.Store(0)
	return nil
}

// read tells the counters asked for or, if none are named, those from first on
// that are not zero.
func (m *Counter) read(arg *ReadArg) (*ReadResponse, error) {
	r := &ReadResponse{}
	if ids := arg.GetCtrIds(); len(ids) > 0 {
		if len(ids) > maxRead {
			return nil, module.Invalid("ctr_ids", len(ids), "must be at most %d numbers", maxRead)
		}
		for i, id := range ids {
			if id >= m.total {
				return nil, module.Invalid(fmt.Sprintf("ctr_ids[%d]", i), id, "must be below total (%d)", m.total)
			}
		}
		for _, id := range ids {
			r.Counters = append(r.Counters, m.reading(id, arg.GetClear()))
		}
		return r, nil
	}
	for id := uint64(arg.GetFirst()); id < uint64(m.total); id++ {
		if atomic.LoadUint64(&m.counter(uint32(id))[wordPackets]) == 0 {
			continue
		}
		if len(r.Counters) == maxRead {
			r.Next = uint32(id)
			break
		}
		r.Counters = append(r.Counters, m.reading(uint32(id), arg.GetClear()))
	}
	return r, nil
}

// reading returns one counter, and with clear starts it over without losing
// a packet.
func (m *Counter) reading(id uint32, clear bool) *ReadResponse_Counter {
	c := m.counter(id)
	if clear {
		return &ReadResponse_Counter{CtrId: id,
			Packets: atomic.SwapUint64(&c[wordPackets], 0), Bytes: atomic.SwapUint64(&c[wordBytes], 0)}
	}
	return &ReadResponse_Counter{CtrId: id,
		Packets: atomic.LoadUint64(&c[wordPackets]), Bytes: atomic.LoadUint64(&c[wordBytes])}
}

// Desc returns the number of sessions.
func (m *Counter) Desc() string { return fmt.Sprintf("%d sessions", m.sessions.Load()) }

// Close frees the counters.
func (m *Counter) Close() { sys.UnmapWords(m.counters) }
