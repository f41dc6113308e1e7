// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package field

import (
	"encoding/binary"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Order is where the most significant byte of a number goes.
type Order bool

// The orders.
const (
	BigEndian    Order = true  // first, as on the wire
	LittleEndian Order = false // last
)

// Bytes returns the size bytes that data stands for, name is its place in the
// argument. A number must fit; bytes must be exactly size many. Data that is
// left out is zero. Errors: EINVAL.
func Bytes(name string, data *api.FieldData, size int, order Order) ([]byte, error) {
	if v, ok := data.GetEncoding().(*api.FieldData_ValueBin); ok {
		if len(v.ValueBin) != size {
			return nil, module.Invalid(name+".value_bin", fmt.Sprintf("%x", v.ValueBin), "should have size %d (has %d)", size, len(v.ValueBin))
		}
		return v.ValueBin, nil
	}
	n := data.GetValueInt()
	if size < 8 && n>>(8*size) != 0 {
		return nil, module.Invalid(name+".value_int", n, "is not a correct %d-byte value", size)
	}
	var b [8]byte
	if order == BigEndian {
		binary.BigEndian.PutUint64(b[:], n)
		return b[8-size:], nil
	}
	binary.LittleEndian.PutUint64(b[:], n)
	return b[:size], nil
}

// Padded is Bytes for classes that take bytes of another length: what is
// missing at the end is zero, what is too much must be.
func Padded(name string, data *api.FieldData, size int, order Order) ([]byte, error) {
	v, ok := data.GetEncoding().(*api.FieldData_ValueBin)
	if !ok {
		return Bytes(name, data, size, order)
	}
	b := make([]byte, size)
	for i, c := range v.ValueBin[copy(b, v.ValueBin):] {
		if c != 0 {
			return nil, module.Invalid(name+".value_bin", fmt.Sprintf("%x", v.ValueBin), "has %d bytes, the field has %d: byte %d must be zero", len(v.ValueBin), size, size+i)
		}
	}
	return b, nil
}

// Bin returns bytes as data.
func Bin(b []byte) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueBin{ValueBin: b}}
}

// Bins returns each piece as data.
func Bins(parts [][]byte) []*api.FieldData {
	list := make([]*api.FieldData, len(parts))
	for i, b := range parts {
		list[i] = Bin(b)
	}
	return list
}

// Messages returns fields as they are given in arguments.
func Messages(fields []Field) []*api.Field {
	list := make([]*api.Field, len(fields))
	for i, f := range fields {
		list[i] = &api.Field{NumBytes: uint32(f.Size), Position: &api.Field_Offset{Offset: uint32(f.Offset)}}
		if f.IsAttr() {
			list[i].Position = &api.Field_AttrName{AttrName: f.Attr}
		}
	}
	return list
}
