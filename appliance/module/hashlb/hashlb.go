// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package hashlb is the module class HashLB: flows spread over gates by a hash
// (spec: modules/classify.md).
package hashlb

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "HashLB",
	Prefix:     "hash_lb",
	Help:       "spreads flows over gates by a hash of their headers",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*HashLBArg)(nil),
	Counters: []module.CounterDoc{
		countNoGates: {Name: "no_gates", Unit: "packets", Help: "dropped: the list of gates is empty"},
		countOther:   {Name: "not_ip", Unit: "packets", Help: "in modes l3 and l4 hashed by their Ethernet addresses: not IP"},
	},
	Commands: []module.Command{
		module.Do("set_mode", module.Concurrent, "changes what is hashed", (*HashLB).setMode),
		module.Do("set_gates", module.Concurrent, "replaces the list of gates", (*HashLB).setGates),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countNoGates = iota
	countOther
)

// maxGates is the longest list of gates.
const maxGates = 16384

// mode is what is hashed.
type mode int

const (
	modeL2 mode = iota
	modeL3
	modeL4
	modeFields
)

var modes = map[string]mode{"l2": modeL2, "l3": modeL3, "l4": modeL4}

// config is what packets meet. Immutable.
type config struct {
	mode   mode
	key    *field.Key // of modeFields; the last one given otherwise
	fields int
	gates  []uint16
}

// HashLB is an instance.
type HashLB struct {
	config  atomic.Pointer[config]
	workers [module.MaxWorkers]atomic.Pointer[worker]
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	keys   [packet.BatchSize * field.MaxWords]uint64
	hashes [packet.BatchSize]uint32
	gates  [packet.BatchSize]uint16
}

// parse makes the configuration of an argument.
func parse(arg *HashLBArg) (*config, error) {
	c := &config{mode: modeL4}
	if arg.GetMode() != "" || len(arg.GetFields()) > 0 {
		if err := c.parseMode(arg.GetMode(), arg.GetFields()); err != nil {
			return nil, err
		}
	}
	return c, c.parseGates(arg.GetGates())
}

// parseMode sets what is hashed. Fields win over the mode.
func (c *config) parseMode(text string, fields []*api.Field) error {
	if len(fields) == 0 {
		m, ok := modes[text]
		if !ok {
			return module.Invalid("mode", text, "must be l2, l3 or l4")
		}
		c.mode = m
		return nil
	}
	for i, f := range fields {
		if _, ok := f.GetPosition().(*api.Field_AttrName); ok {
			return errno.Errorf(errno.EINVAL, "fields[%d].attr_name: %q: must be an offset: metadata cannot be hashed", i, f.GetAttrName())
		}
	}
	list, err := field.Parse(nil, "fields", fields, module.Read)
	if err != nil {
		return err
	}
	c.mode, c.key, c.fields = modeFields, field.NewKey(list, nil), len(list)
	return nil
}

func (c *config) parseGates(gates []int64) error {
	if n := len(gates); n > maxGates {
		return module.Invalid("gates", n, "must be at most %d gates", maxGates)
	}
	c.gates = make([]uint16, len(gates))
	for i, g := range gates {
		if err := module.CheckGate(fmt.Sprintf("gates[%d]", i), g); err != nil {
			return errno.Errorf(errno.EINVAL, "Invalid ogate %d: %v", g, err)
		}
		c.gates[i] = uint16(g)
	}
	return nil
}

func create(_ *module.Env, arg *HashLBArg) (*HashLB, error) {
	c, err := parse(arg)
	if err != nil {
		return nil, err
	}
	m := &HashLB{}
	m.config.Store(c)
	return m, nil
}

// Process sends every packet to the gate that its hash falls on.
func (m *HashLB) Process(ctx *module.Context, b *packet.Batch) {
	c := m.config.Load()
	n := uint64(len(c.gates))
	if n == 0 {
		ctx.Count(countNoGates, uint64(b.Len()))
		ctx.DropBatch(b)
		return
	}
	w := m.worker(ctx.Worker)
	ps := b.Packets()
	hashes := w.hashes[:len(ps)]
	if c.mode == modeFields {
		words := c.key.Words()
		c.key.Extract(ctx, ps, w.keys[:len(ps)*words])
		for i := range hashes {
			hashes[i] = hashWords(w.keys[i*words : (i+1)*words])
		}
	} else {
		if other := c.mode.words(ps, hashes); other > 0 {
			ctx.Count(countOther, uint64(other))
		}
		header.CRC32CEach(hashes)
	}
	for i, h := range hashes {
		w.gates[i&(packet.BatchSize-1)] = c.gates[uint64(h)*n>>32]
	}
	ctx.EmitEach(b, w.gates[:])
}

// words writes for each packet what is hashed, and returns how many are hashed
// by their Ethernet addresses though the mode asks for others.
func (m mode) words(ps []packet.Packet, words []uint32) (other int) {
	words = words[:len(ps)]
	if m == modeL2 {
		for i, p := range ps {
			words[i] = wordL2(p.Bytes())
		}
		return 0
	}
	for i, p := range ps {
		if d := p.Front(portsAt + 4); m == modeL4 && d != nil && usual(d) {
			words[i] = wordUsual(d)
			continue
		}
		w, ip := wordIP(p.Bytes(), m == modeL4)
		words[i] = w
		if !ip {
			other++
		}
	}
	return other
}

// worker returns what SetWorkers made for a worker.
func (m *HashLB) worker(id int) *worker {
	p := &m.workers[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(new(worker))
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *HashLB) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Update takes another argument in place.
func (m *HashLB) Update(arg proto.Message) error {
	c, err := parse(arg.(*HashLBArg))
	if err == nil {
		m.config.Store(c)
	}
	return err
}

func (m *HashLB) setMode(arg *HashLBCommandSetModeArg) error {
	c := *m.config.Load()
	if err := c.parseMode(arg.GetMode(), arg.GetFields()); err != nil {
		return err
	}
	m.config.Store(&c)
	return nil
}

func (m *HashLB) setGates(arg *HashLBCommandSetGatesArg) error {
	if len(arg.GetGates()) == 0 {
		return errno.Errorf(errno.EINVAL, "gates: at least one gate is needed")
	}
	c := *m.config.Load()
	if err := c.parseGates(arg.GetGates()); err != nil {
		return err
	}
	m.config.Store(&c)
	return nil
}

// Desc returns the number of fields given last.
func (m *HashLB) Desc() string { return fmt.Sprintf("%d fields", m.config.Load().fields) }
