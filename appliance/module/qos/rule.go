// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package qos

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/meter"
)

// Words of a rule's value in the table; those for results follow.
const (
	wordHead = iota
	wordMeter
	ruleWords
)

// noMeter is the number of the meter of rules that do not meter.
const noMeter = 1<<32 - 1

// Lengths to deduct beyond these count as these: no packet is as long.
const (
	minDeduct = -1 << 30
	maxDeduct = 1 << 30
)

// packHead puts gate and length to deduct, which is signed, into one word.
func packHead(gate uint64, deduct int64) uint64 {
	return gate | uint64(min(max(deduct, minDeduct), maxDeduct))<<32
}

func unpackHead(w uint64) (gate uint16, deduct int64) {
	return uint16(w), int64(w) >> 32
}

// config returns the meter of a rule, nil if it does not meter.
func config(arg *QosCommandAddArg) (*meter.Config, error) {
	gate := arg.GetGate()
	switch {
	case gate > module.DropGate, gate > gateMeter && gate < firstGate:
		return nil, errno.Errorf(errno.EINVAL, "gate: Invalid gate: %d: must be 0 to meter, %d..%d, or %d to drop", gate, firstGate, module.MaxGates-1, module.DropGate)
	case gate != gateMeter:
		return nil, nil
	}
	c := &meter.Config{CIR: arg.GetCir(), PIR: arg.GetPir(), CBS: arg.GetCbs(), PBS: arg.GetPbs()}
	return c, c.Check()
}

// parseKey returns the key of a rule. Numbers have the least significant byte
// first, also in the frame (spec: modules/README.md section 2.4).
func (m *Qos) parseKey(data []*api.FieldData) ([]uint64, error) {
	fields := m.key.Fields()
	if len(data) != len(fields) {
		return nil, errno.Errorf(errno.EINVAL, "fields: must specify %d values, one for each field, not %d", len(fields), len(data))
	}
	var key []byte
	for i, d := range data {
		b, err := field.Padded(fmt.Sprintf("fields[%d]", i), d, fields[i].Size, field.LittleEndian)
		if err != nil {
			return nil, err
		}
		key = append(key, b...)
	}
	return m.key.Pack(key), nil
}

// parseResults returns a word for each place.
func (m *Qos) parseResults(data []*api.FieldData) ([]uint64, error) {
	places := m.places.Fields()
	if len(data) != len(places) {
		return nil, errno.Errorf(errno.EINVAL, "values: must specify %d results, one for each place, not %d", len(places), len(data))
	}
	var results []uint64
	for i, d := range data {
		b, err := field.Padded(fmt.Sprintf("values[%d]", i), d, places[i].Size, field.LittleEndian)
		if err != nil {
			return nil, err
		}
		results = append(results, field.Words(b, 1)[0])
	}
	return results, nil
}

// deductOf returns the length to deduct: if none is given, the Ethernet header.
func deductOf(arg *QosCommandAddArg) int64 {
	if arg.GetOptionalDeductLen() == nil {
		return header.EthernetLen
	}
	return arg.GetDeductLen()
}

func (m *Qos) add(arg *QosCommandAddArg) error {
	cfg, err := config(arg)
	if err != nil {
		return err
	}
	key, err := m.parseKey(arg.GetFields())
	if err != nil {
		return err
	}
	results, err := m.parseResults(arg.GetValues())
	if err != nil {
		return err
	}
	id := uint32(noMeter)
	if cfg != nil {
		if id, err = m.newMeter(cfg); err != nil {
			return err
		}
	}
	old := m.meterOf(key)
	rule := append([]uint64{packHead(arg.GetGate(), deductOf(arg)), uint64(id)}, results...)
	if err := m.table.Set(key, rule); err != nil {
		if id != noMeter {
			m.meters.Free(id) // nobody has seen it
		}
		return errno.Wrap(err, "fields")
	}
	m.retireMeter(old)
	return nil
}

// newMeter makes a meter; if all are in use it waits a moment for those that
// were replaced.
func (m *Qos) newMeter(cfg *meter.Config) (uint32, error) {
	id, err := m.meters.New(*cfg, sys.Cycles(), sys.CyclesPerSecond())
	if errno.Code(err) == errno.ENOSPC {
		m.domain.Flush()
		id, err = m.meters.New(*cfg, sys.Cycles(), sys.CyclesPerSecond())
	}
	return id, err
}

// meterOf returns the meter of the rule with a key, noMeter if it has none.
func (m *Qos) meterOf(key []uint64) uint32 {
	if rule, ok := m.table.Get(key); ok {
		return uint32(rule[wordMeter])
	}
	return noMeter
}

// retireMeter frees a meter when no worker can be using it.
func (m *Qos) retireMeter(id uint32) {
	if id != noMeter {
		m.domain.Retire(func() { m.meters.Free(id) })
	}
}

func (m *Qos) delete(arg *QosCommandDeleteArg) error {
	key, err := m.parseKey(arg.GetFields())
	if err != nil {
		return err
	}
	id := m.meterOf(key)
	if !m.table.Delete(key) {
		return errno.Errorf(errno.ENOENT, "fields: there is no rule with these values")
	}
	m.retireMeter(id)
	return nil
}

func (m *Qos) clear(*api.EmptyArg) error {
	var ids []uint32
	for _, rule := range m.table.All() {
		if id := uint32(rule[wordMeter]); id != noMeter {
			ids = append(ids, id)
		}
	}
	if err := m.table.Clear(); err != nil {
		return err
	}
	m.domain.Retire(func() {
		for _, id := range ids {
			m.meters.Free(id)
		}
	})
	m.domain.Flush()
	return nil
}

func (m *Qos) setDefaultGate(arg *QosCommandSetDefaultGateArg) error {
	if err := module.CheckGate("gate", arg.GetGate()); err != nil {
		return err
	}
	m.defaultGate.Store(uint32(arg.GetGate()))
	return nil
}
