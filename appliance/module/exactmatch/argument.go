// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exactmatch

import (
	"fmt"
	"os"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// ReversedMasks is an environment variable. Set to 1, the bytes of a mask
// given as value_bin for a place in the frame are taken last byte first, as
// the original does, for configurations that were written around that.
const ReversedMasks = "BESS_EXACTMATCH_REVERSED_MASKS"

// compile checks the argument's fields, masks and values.
func (m *ExactMatch) compile(env *module.Env, arg *ExactMatchArg) error {
	if len(arg.GetFields()) == 0 {
		return errno.Errorf(errno.EINVAL, "fields: at least one field is needed")
	}
	fields, err := field.Parse(env, "fields", arg.GetFields(), module.Read)
	if err != nil {
		return err
	}
	masks, err := parseMasks("masks", arg.GetMasks(), fields)
	if err != nil {
		return err
	}
	if masks != nil {
		if os.Getenv(ReversedMasks) == "1" {
			reverse(masks, arg.GetMasks(), fields)
		}
		m.mask = slices.Concat(masks...)
	}
	values, err := field.Parse(env, "values", arg.GetValues(), module.Write)
	if err != nil {
		return err
	}
	masksv, err := parseMasks("masksv", arg.GetMasksv(), values)
	if err != nil {
		return err
	}
	m.key, m.places = field.NewKey(fields, m.mask), field.NewPlaces(values, masksv)
	return nil
}

// parseMasks returns the bytes of each mask, nil for no masks at all. A mask
// of zero stands for all bits.
func parseMasks(name string, masks []*api.FieldData, fields []field.Field) ([][]byte, error) {
	if len(masks) == 0 {
		return nil, nil
	}
	if len(masks) != len(fields) {
		return nil, errno.Errorf(errno.EINVAL, "%s: must be given for all %d fields or for none, not for %d", name, len(fields), len(masks))
	}
	list := make([][]byte, len(masks))
	for i, d := range masks {
		b, err := field.Bytes(fmt.Sprintf("%s[%d]", name, i), d, fields[i].Size, order(&fields[i]))
		if err != nil {
			return nil, err
		}
		list[i] = slices.Clone(b)
		if !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
			for j := range list[i] {
				list[i][j] = 0xff
			}
		}
	}
	return list, nil
}

func reverse(masks [][]byte, given []*api.FieldData, fields []field.Field) {
	for i := range masks {
		if _, bin := given[i].GetEncoding().(*api.FieldData_ValueBin); bin && !fields[i].IsAttr() {
			slices.Reverse(masks[i])
		}
	}
}

// order is the byte order of numbers: that of the wire for places in the
// frame, that of the machine for attributes (spec: modules/README.md section
// 2.4).
func order(f *field.Field) field.Order {
	return field.Order(!f.IsAttr())
}

// parseKey returns the key of a rule, masked.
func (m *ExactMatch) parseKey(name string, data []*api.FieldData) ([]uint64, error) {
	fields := m.key.Fields()
	if len(data) == 0 {
		return nil, errno.Errorf(errno.EINVAL, "%sfields: must be a list of %d", name, len(fields))
	}
	if len(data) != len(fields) {
		return nil, errno.Errorf(errno.EINVAL, "%sfields: rule should have %d fields (has %d)", name, len(fields), len(data))
	}
	var key []byte
	for i, d := range data {
		b, err := field.Bytes(fmt.Sprintf("%sfields[%d]", name, i), d, fields[i].Size, order(&fields[i]))
		if err != nil {
			return nil, err
		}
		key = append(key, b...)
	}
	for i, c := range m.mask {
		key[i] &= c
	}
	return m.key.Pack(key), nil
}

// parseRule returns key and value of a rule. name is put before the names of
// its fields in errors.
func (m *ExactMatch) parseRule(name string, arg *ExactMatchCommandAddArg) (key, value []uint64, err error) {
	if err := module.CheckGate(name+"gate", arg.GetGate()); err != nil {
		return nil, nil, err
	}
	if key, err = m.parseKey(name, arg.GetFields()); err != nil {
		return nil, nil, err
	}
	places := m.places.Fields()
	if len(arg.GetValues()) != len(places) {
		return nil, nil, errno.Errorf(errno.EINVAL, "%svalues: rule has incorrect number of values. Need %d, has %d", name, len(places), len(arg.GetValues()))
	}
	value = []uint64{arg.GetGate()}
	for i, d := range arg.GetValues() {
		b, err := field.Bytes(fmt.Sprintf("%svalues[%d]", name, i), d, places[i].Size, order(&places[i]))
		if err != nil {
			return nil, nil, err
		}
		value = append(value, field.Words(b, 1)[0])
	}
	return key, value, nil
}

// rule returns a rule as it is given in arguments.
func (m *ExactMatch) rule(key, value []uint64) *ExactMatchCommandAddArg {
	r := &ExactMatchCommandAddArg{Gate: value[0], Fields: field.Bins(m.key.Unpack(key))}
	for i, f := range m.places.Fields() {
		r.Values = append(r.Values, field.Bin(field.UnpackWord(value[1+i], f.Size)))
	}
	return r
}
