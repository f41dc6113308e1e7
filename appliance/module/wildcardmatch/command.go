// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcardmatch

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/table/wildcard"
)

// parseBytes returns the bytes of one value or mask per field.
func (m *WildcardMatch) parseBytes(name string, data []*api.FieldData) ([]byte, error) {
	fields := m.key.Fields()
	if len(data) != len(fields) {
		return nil, errno.Errorf(errno.EINVAL, "%s: must specify %d, one for each field, not %d", name, len(fields), len(data))
	}
	var all []byte
	for i, d := range data {
		b, err := field.Padded(fmt.Sprintf("%s[%d]", name, i), d, fields[i].Size, field.BigEndian)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// parseKey returns key and mask of a rule. name is put before the names of its
// fields in errors.
func (m *WildcardMatch) parseKey(name string, values, masks []*api.FieldData) (key, mask []uint64, err error) {
	v, err := m.parseBytes(name+"values", values)
	if err != nil {
		return nil, nil, err
	}
	w, err := m.parseBytes(name+"masks", masks)
	if err != nil {
		return nil, nil, err
	}
	at := 0
	for i, f := range m.key.Fields() {
		for j := at; j < at+f.Size; j++ {
			if v[j]&^w[j] != 0 {
				return nil, nil, errno.Errorf(errno.EINVAL, "%svalues[%d]: invalid pair of value 0x%x and mask 0x%x: bits left open must be zero", name, i, v[at:at+f.Size], w[at:at+f.Size])
			}
		}
		at += f.Size
	}
	return m.key.Pack(v), m.key.Pack(w), nil
}

// parseRule returns a rule in the form of the table.
func (m *WildcardMatch) parseRule(name string, arg *WildcardMatchCommandAddArg) (wildcard.Rule, error) {
	r := wildcard.Rule{Priority: int32(arg.GetPriority())}
	var err error
	if r.Key, r.Mask, err = m.parseKey(name, arg.GetValues(), arg.GetMasks()); err != nil {
		return r, err
	}
	if err := module.CheckGate(name+"gate", arg.GetGate()); err != nil {
		return r, err
	}
	places := m.places.Fields()
	if len(arg.GetValuesv()) != len(places) {
		return r, errno.Errorf(errno.EINVAL, "%svaluesv: must specify %d values, not %d", name, len(places), len(arg.GetValuesv()))
	}
	r.Value = []uint64{arg.GetGate()}
	for i, d := range arg.GetValuesv() {
		b, err := field.Padded(fmt.Sprintf("%svaluesv[%d]", name, i), d, places[i].Size, field.LittleEndian)
		if err != nil {
			return r, err
		}
		r.Value = append(r.Value, field.Words(b, 1)[0])
	}
	return r, nil
}

// addTo adds a rule to a table.
func (m *WildcardMatch) addTo(table *wildcard.Table, name string, arg *WildcardMatchCommandAddArg) error {
	r, err := m.parseRule(name, arg)
	if err != nil {
		return err
	}
	if err := table.Set(r); err != nil {
		return errno.Wrap(err, "%svalues: failed to add a rule", name)
	}
	return nil
}

func (m *WildcardMatch) add(arg *WildcardMatchCommandAddArg) error {
	return m.addTo(m.state.Load().table, "", arg)
}

func (m *WildcardMatch) delete(arg *WildcardMatchCommandDeleteArg) error {
	key, mask, err := m.parseKey("", arg.GetValues(), arg.GetMasks())
	if err != nil {
		return err
	}
	if !m.state.Load().table.Delete(key, mask) {
		return errno.Errorf(errno.ENOENT, "values: failed to delete a rule: there is none with these values and masks")
	}
	return nil
}

func (m *WildcardMatch) clear(*api.EmptyArg) error {
	m.state.Load().table.Clear()
	m.domain.Flush()
	return nil
}

func (m *WildcardMatch) setDefaultGate(arg *WildcardMatchCommandSetDefaultGateArg) error {
	if err := module.CheckGate("gate", arg.GetGate()); err != nil {
		return err
	}
	m.state.Store(&state{m.state.Load().table, uint16(arg.GetGate())})
	return nil
}

func (m *WildcardMatch) getInitialArg(*api.EmptyArg) (*WildcardMatchArg, error) { return m.arg, nil }

func (m *WildcardMatch) getRuntimeConfig(*api.EmptyArg) (*WildcardMatchConfig, error) {
	s := m.state.Load()
	c := &WildcardMatchConfig{DefaultGate: uint64(s.defaultGate)}
	for r := range s.table.All() {
		a := &WildcardMatchCommandAddArg{Gate: r.Value[0], Priority: int64(r.Priority),
			Values: field.Bins(m.key.Unpack(r.Key)), Masks: field.Bins(m.key.Unpack(r.Mask))}
		for i, f := range m.places.Fields() {
			a.Valuesv = append(a.Valuesv, field.Bin(field.UnpackWord(r.Value[1+i], f.Size)))
		}
		c.Rules = append(c.Rules, a)
	}
	slices.SortFunc(c.Rules, compareRules)
	return c, nil
}

// compareRules orders rules by priority, gate, masks and values. Rules that
// tie and overlap come in no particular order.
func compareRules(a, b *WildcardMatchCommandAddArg) int {
	data := func(x, y *api.FieldData) int { return slices.Compare(x.GetValueBin(), y.GetValueBin()) }
	return cmp.Or(cmp.Compare(a.GetPriority(), b.GetPriority()), cmp.Compare(a.GetGate(), b.GetGate()),
		slices.CompareFunc(a.GetMasks(), b.GetMasks(), data), slices.CompareFunc(a.GetValues(), b.GetValues(), data))
}

// setRuntimeConfig builds a table beside the present one, so that packets meet
// the old configuration or the new one, and an error changes nothing.
func (m *WildcardMatch) setRuntimeConfig(arg *WildcardMatchConfig) error {
	if err := module.CheckGate("default_gate", arg.GetDefaultGate()); err != nil {
		return err
	}
	old := m.state.Load()
	table, err := m.newTable(uint64(old.table.Limit()))
	if err != nil {
		return err
	}
	for i, r := range arg.GetRules() {
		if err := m.addTo(table, fmt.Sprintf("rules[%d].", i), r); err != nil {
			table.Retire()
			return err
		}
	}
	m.state.Store(&state{table, uint16(arg.GetDefaultGate())})
	old.table.Retire()
	m.domain.Flush()
	return nil
}
