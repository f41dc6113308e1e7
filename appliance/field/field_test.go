// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package field_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// probe is a module that writes random metadata, then reads a key, and
// compares it with what the specification says byte by byte.
type probe struct {
	t      *testing.T
	rng    *rand.Rand
	fields []field.Field
	mask   []byte
	key    *field.Key
}

func (m *probe) want(ctx *module.Context, p packet.Packet) (key []byte, short bool) {
	for _, f := range m.fields {
		for j := range f.Size {
			var b byte
			if f.IsAttr() {
				if off := ctx.Attr(f.ID); off >= 0 {
					b = p.Metadata()[off+j]
				}
			} else if d := p.Bytes(); f.Offset+j < len(d) {
				b = d[f.Offset+j]
			} else {
				short = true
			}
			if m.mask != nil {
				b &= m.mask[len(key)]
			}
			key = append(key, b)
		}
	}
	for len(key)%8 != 0 {
		key = append(key, 0)
	}
	return key, short
}

func (m *probe) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		md := p.Metadata()
		for i := range md {
			md[i] = byte(m.rng.Uint32())
		}
	}
	keys := make([]uint64, b.Len()*m.key.Words())
	for i := range keys {
		keys[i] = m.rng.Uint64() // whatever was there before
	}
	short := m.key.Extract(ctx, b.Packets(), keys)
	for i, p := range b.Packets() {
		want, isShort := m.want(ctx, p)
		var got []byte
		for _, w := range keys[i*m.key.Words() : (i+1)*m.key.Words()] {
			got = binary.LittleEndian.AppendUint64(got, w)
		}
		if !bytes.Equal(got, want) || isShort != (short>>i&1 == 1) {
			m.t.Errorf("fields %+v, mask %x, %d bytes: key %x short %v, want %x %v", m.fields, m.mask, p.Len(), got, short>>i&1 == 1, want, isShort)
		}
	}
	ctx.EmitBatch(b, 0)
}

func class(m *probe, fields []*api.Field, masked bool) *module.Class {
	return &module.Class{Name: "Probe", Prefix: "p", IGates: 1, OGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			list, err := field.Parse(env, "fields", fields, module.Update)
			if err != nil {
				return nil, err
			}
			size := 0
			for _, f := range list {
				size += f.Size
			}
			if m.fields = list; masked {
				m.mask = make([]byte, size)
				for i := range m.mask {
					m.mask[i] = byte(m.rng.Uint32())
				}
			}
			m.key = field.NewKey(list, m.mask)
			return m, nil
		}}
}

// 300 lists of fields, frames of all short lengths.
func TestExtractAgreesWithBytes(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var list []*api.Field
		at := uint32(rng.IntN(20))
		for i := range 1 + rng.IntN(field.MaxFields) {
			n := uint32(1 + rng.IntN(field.MaxSize))
			f := &api.Field{NumBytes: n, Position: &api.Field_Offset{Offset: at}}
			switch rng.IntN(4) {
			case 0:
				f.Position = &api.Field_AttrName{AttrName: fmt.Sprint("a", i)}
			case 1:
				at = uint32(rng.IntN(40)) // not behind this one
			}
			at += n
			list = append(list, f)
		}
		h := moduletest.New(t)
		m := &probe{t: t, rng: rng}
		c := class(m, list, seed%2 == 0)
		h.MustCreate("m", c, nil)
		h.MustCreate("before", class(&probe{t: t, rng: rng}, list, false), nil)
		h.MustCreate("behind", class(&probe{t: t, rng: rng}, list, false), nil)
		h.Connect("before", 0, "m", 0)
		h.Connect("m", 0, "behind", 0)
		var frames [][]byte
		for n := range 64 {
			f := make([]byte, n)
			for i := range f {
				f[i] = byte(rng.Uint32())
			}
			frames = append(frames, f)
		}
		h.Send("before", 0, frames...)
	}
}

func TestPackAndUnpack(t *testing.T) {
	fields := []field.Field{{Offset: 1, Size: 3}, {Attr: "x", Size: 8}, {Offset: 9, Size: 1}}
	k := field.NewKey(fields, nil)
	all := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	parts := k.Unpack(k.Pack(all))
	if k.Words() != 2 || !bytes.Equal(bytes.Join(parts, nil), all) || len(parts[0]) != 3 || len(parts[1]) != 8 {
		t.Errorf("%d words, parts %x", k.Words(), parts)
	}
}

func intData(v uint64) *api.FieldData {
	return &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: v}}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		data *api.FieldData
		size int
		big  string
		low  string
		text string
	}{
		{intData(0x1234), 2, "1234", "3412", ""},
		{intData(0x12), 3, "000012", "120000", ""},
		{intData(1<<64 - 2), 8, "fffffffffffffffe", "feffffffffffffff", ""},
		{nil, 2, "0000", "0000", ""},
		{field.Bin([]byte{1, 2}), 2, "0102", "0102", ""},
		{intData(0x10000), 2, "", "", "v.value_int: 65536: is not a correct 2-byte value"},
		{field.Bin([]byte{1}), 2, "", "", `v.value_bin: "01": should have size 2 (has 1)`},
	} {
		big, err := field.Bytes("v", c.data, c.size, field.BigEndian)
		low, _ := field.Bytes("v", c.data, c.size, field.LittleEndian)
		if c.text != "" {
			if errno.Code(err) != errno.EINVAL || err.Error() != c.text {
				t.Errorf("%v: error %v, want %s", c.data, err, c.text)
			}
			continue
		}
		if err != nil || fmt.Sprintf("%x", big) != c.big || fmt.Sprintf("%x", low) != c.low {
			t.Errorf("%v: %x and %x, %v", c.data, big, low, err)
		}
	}
	if b, err := field.Padded("v", field.Bin([]byte{7}), 3, field.BigEndian); err != nil || !bytes.Equal(b, []byte{7, 0, 0}) {
		t.Errorf("short bytes become %x, %v", b, err)
	}
	if b, err := field.Padded("v", field.Bin([]byte{7, 0, 0, 0}), 1, field.BigEndian); err != nil || !bytes.Equal(b, []byte{7}) {
		t.Errorf("bytes with zeros become %x, %v", b, err)
	}
	if _, err := field.Padded("v", field.Bin([]byte{7, 0, 1}), 1, field.BigEndian); errno.Code(err) != errno.EINVAL {
		t.Errorf("bytes that do not fit: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	env := func() *module.Env { return module.NewEnv("m", nil, nil) }
	at := func(o, n uint32) *api.Field {
		return &api.Field{NumBytes: n, Position: &api.Field_Offset{Offset: o}}
	}
	for _, c := range []struct {
		fields []*api.Field
		text   string
	}{
		{[]*api.Field{at(0, 1), at(0, 9)}, "f[1].num_bytes: 9: must be 1..8 bytes"},
		{[]*api.Field{at(0, 0)}, "f[0].num_bytes: 0: must be 1..8 bytes"},
		{[]*api.Field{at(1025, 1)}, "f[0].offset: 1025: must be 0..1024"},
		{[]*api.Field{{NumBytes: 1}}, "f[0]: must have an offset or an attr_name"},
		{make([]*api.Field, 9), "f: 9: must be at most 8 fields"},
	} {
		_, err := field.Parse(env(), "f", c.fields, module.Read)
		if errno.Code(err) != errno.EINVAL || err.Error() != c.text {
			t.Errorf("error %v, want %s", err, c.text)
		}
	}
}
