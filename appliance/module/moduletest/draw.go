// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Drawer draws arguments from the schema of their messages by the bytes of a
// fuzzer: mostly such that the rules of the .proto file hold, and from few
// different values, so that commands meet what others have made.
type Drawer struct{ seed []byte }

// NewDrawer returns a Drawer that ends when seed does; then it draws zeros.
func NewDrawer(seed []byte) *Drawer { return &Drawer{seed} }

// Byte returns the next byte.
func (d *Drawer) Byte() byte {
	if len(d.seed) == 0 {
		return 0
	}
	b := d.seed[0]
	d.seed = d.seed[1:]
	return b
}

// Empty reports whether nothing is left to draw from.
func (d *Drawer) Empty() bool { return len(d.seed) == 0 }

// maxDepth bounds messages within messages.
const maxDepth = 6

// Message returns a message like the prototype.
func (d *Drawer) Message(prototype proto.Message) proto.Message {
	m := prototype.ProtoReflect().New()
	d.fill(m, 0)
	return m.Interface()
}

func (d *Drawer) fill(m protoreflect.Message, depth int) {
	if depth > maxDepth || d.Empty() {
		return
	}
	fields := m.Descriptor().Fields()
	chosen := map[protoreflect.Name]protoreflect.FieldDescriptor{}
	for i := range m.Descriptor().Oneofs().Len() {
		o := m.Descriptor().Oneofs().Get(i)
		if n := int(d.Byte()) % (o.Fields().Len() + 1); n > 0 {
			chosen[o.Name()] = o.Fields().Get(n - 1)
		}
	}
	for i := range fields.Len() {
		f := fields.Get(i)
		if o := f.ContainingOneof(); o != nil && chosen[o.Name()] != f {
			continue
		}
		rule, _ := proto.GetExtension(f.Options(), option.E_Rule).(*option.Rule)
		switch {
		case f.IsMap():
			for range d.Byte() % 4 {
				k := d.value(f.MapKey(), rule.GetKeys(), nil, depth)
				m.Mutable(f).Map().Set(k.MapKey(), d.value(f.MapValue(), rule, m.NewField(f).Map().NewValue, depth))
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range d.Byte() % 4 {
				list.Append(d.value(f, rule, list.NewElement, depth))
			}
		default:
			m.Set(f, d.value(f, rule, func() protoreflect.Value { return m.NewField(f) }, depth))
		}
	}
}

// value draws one value of a field; blank makes an empty message.
func (d *Drawer) value(f protoreflect.FieldDescriptor, rule *option.Rule, blank func() protoreflect.Value, depth int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		v := blank()
		d.fill(v.Message(), depth+1)
		return v
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(d.text(rule))
	case protoreflect.BytesKind:
		b := make([]byte, d.Byte()%9)
		for i := range b {
			b[i] = d.Byte() % 4
		}
		return protoreflect.ValueOfBytes(b)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(d.Byte()&1 == 1)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(d.Byte()) / 200)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(d.Byte() % 8))
	}
	n := d.number(rule)
	switch f.Kind() {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return protoreflect.ValueOfInt64(int64(n))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	}
	return protoreflect.ValueOfUint64(n)
}

// number draws a small number, a limit of the rule or its neighbour, or a far
// one.
func (d *Drawer) number(rule *option.Rule) uint64 {
	b := d.Byte()
	switch {
	case b < 200:
		return uint64(int64(rule.GetMin())) + uint64(b%16)
	case b < 230:
		return uint64(int64(rule.GetMax())) - uint64(b%3) + 1
	}
	return uint64(d.Byte()) << (b % 64)
}

// texts are drawn by the format of a field.
var texts = map[string][]string{
	"ipv4":        {"10.0.0.1", "10.0.0.0", "0.0.0.0", "172.16.100.1", "255.255.255.255"},
	"cidr4":       {"10.0.0.0/8", "10.0.0.1", "172.16.0.0/12", "0.0.0.0/0", "10.0.0.0/33"},
	"cidr":        {"10.0.0.0/8", "172.16.100.1", "2001:db8::/32", "2001:db8::1", "::/0", "0.0.0.0/0", "::/129", "fe80::1%1"},
	"mac":         {"06:16:3e:1b:72:32", "02:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "0:0:0:0:0:0"},
	"attribute":   {"a", "b", "c", "d"},
	"pcap-filter": {"", "udp", "tcp port 80 or arp", "ip[0] & 0xf != 5", "not (vlan 7 and ip)", "len > 60", "((", "host"},
}

func (d *Drawer) text(rule *option.Rule) string {
	b := d.Byte()
	list := texts[rule.GetFormat()]
	if one := rule.GetOneOf(); len(one) > 0 {
		list = one
	}
	if len(list) > 0 && b < 240 {
		return list[int(b)%len(list)]
	}
	s := make([]byte, b%8)
	for i := range s {
		s[i] = ' ' + d.Byte()%95
	}
	return string(s)
}

// FuzzCommands creates an instance with an argument drawn from its schema, or
// by mk if that is not nil, then lets commands with drawn arguments run and
// frames arrive in turn. Nothing may panic, no packet may be lost, and errors
// must carry a code.
func FuzzCommands(f *testing.F, class *module.Class, mk func(d *Drawer) proto.Message) {
	f.Add([]byte{1, 2, 1, 2, 3}, Frame("U1"))
	f.Add([]byte("\x01\x02\x17\x01\x02\x03\x01\x00\x11\x01\x01\x00\x11\x02\x11"), Frame("T1"))
	f.Add(slices.Repeat([]byte{1, 3, 2, 0}, 30), Frame("V1"))
	f.Fuzz(func(t *testing.T, seed, frame []byte) {
		if len(frame) > packet.MaxTotal {
			return
		}
		d := NewDrawer(seed)
		h := New(t)
		var arg proto.Message
		if mk != nil {
			arg = mk(d)
		} else if class.Arg != nil {
			arg = d.Message(class.Arg)
		}
		if err := h.Create("m", class, arg); err != nil {
			checkCode(t, "create", err)
			return
		}
		for steps := 0; steps < 40 && !d.Empty(); steps++ {
			n := int(d.Byte()) % (len(class.Commands) + 1)
			if n == len(class.Commands) {
				if class.IGates > 0 {
					h.Send("m", int(d.Byte())%min(class.IGates, 4), frame, frame[:len(frame)/2])
				}
				continue
			}
			c := &class.Commands[n]
			if _, err := h.Command("m", c.Name, d.Message(c.Arg)); err != nil {
				checkCode(t, c.Name, err)
			}
		}
		h.Desc("m")
	})
}

func checkCode(t *testing.T, what string, err error) {
	if errno.Code(err) <= 0 || err.Error() == "" {
		t.Errorf("%s: error %q with code %d", what, err, errno.Code(err))
	}
}
