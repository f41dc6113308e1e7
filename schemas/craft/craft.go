// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"fmt"
	"net"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"github.com/google/gopacket"
)

// MaxLen is the largest packet or byte string made, in bytes.
const MaxLen = 65535

// maxLayers bounds a stack.
const maxLayers = 64

// Finding is one problem, with the path inside the packet ("udp.dst").
type Finding = scalar.Finding

// Error carries every problem of a packet.
type Error struct {
	// Findings has at least one entry.
	Findings []Finding
}

// Error returns the findings, one a line.
func (e *Error) Error() string { return scalar.Text(e.Findings) }

// Packet makes a packet from its layers, given as a map or as a list (see the
// package comment). The error is an *Error with all findings.
func Packet(v any) ([]byte, error) {
	b := &builder{}
	switch l, isList := scalar.AsList(v); {
	case isList:
		b.fromList(l)
	default:
		m, problem := scalar.AsMap(v)
		if problem != "" {
			b.find("", v, problem, "a packet is a map of layers or a list of them")
			break
		}
		b.fromMap(m)
	}
	return b.bytes()
}

// item is one layer as the user wrote it.
type item struct {
	name string // canonical name
	path string
	val  any
}

// builder turns items into gopacket layers and collects findings.
type builder struct {
	finds  []Finding
	items  []item
	net    gopacket.NetworkLayer // innermost network layer so far
	srcMAC net.HardwareAddr      // innermost eth.src so far
	pad    int
	full   bool // maxLayers was exceeded and reported
}

func (b *builder) find(path string, v any, msg, hint string) {
	b.finds = append(b.finds, Finding{Path: path, Value: scalar.Show(v), Msg: msg, Hint: hint})
}

func (b *builder) missing(path, msg string) {
	b.finds = append(b.finds, Finding{Path: path, Msg: msg})
}

// fromMap puts the layers of a map into their order.
func (b *builder) fromMap(m map[string]any) {
	for _, name := range scalar.Keys(m) {
		if _, ok := lookup(name); !ok && name != "pad_to" {
			b.find(name, m[name], "unknown layer", scalar.DidYouMean(name, layerNames()))
		}
	}
	taken := map[int]string{}
	for _, d := range kinds {
		for _, name := range d.names {
			v, ok := m[name]
			if !ok || scalar.IsNull(v) {
				continue
			}
			if other, dup := taken[d.group]; dup {
				b.find(name, v, "not together with "+other, "for a tunnel write the layers as a list")
				continue
			}
			taken[d.group] = name
			b.push(d, name, v)
		}
	}
	b.padTo("pad_to", m["pad_to"])
}

// push adds one layer, or a stack of tags written as a list.
func (b *builder) push(d *layer, path string, v any) {
	if l, ok := scalar.AsList(v); ok && d.stacks {
		for i, e := range l {
			b.add(item{d.names[0], fmt.Sprintf("%s[%d]", path, i), e})
		}
		return
	}
	b.add(item{d.names[0], path, v})
}

func (b *builder) add(it item) {
	if len(b.items) < maxLayers {
		b.items = append(b.items, it)
		return
	}
	if !b.full {
		b.missing(it.path, fmt.Sprintf("more than %d layers", maxLayers))
	}
	b.full = true
}

// fromList takes the layers as they come.
func (b *builder) fromList(l []any) {
	for i, e := range l {
		at := fmt.Sprintf("[%d]", i)
		name, v, ok := b.single(at, e)
		if !ok {
			continue
		}
		path := at + "." + name
		if name == "pad_to" {
			if i != len(l)-1 {
				b.find(path, v, "must come last", "")
			}
			b.padTo(path, v)
			continue
		}
		d, ok := lookup(name)
		if !ok {
			b.find(path, v, "unknown layer", scalar.DidYouMean(name, layerNames()))
			continue
		}
		b.push(d, path, v)
		if b.full {
			return
		}
	}
}

// single takes the one entry that is not null out of a list element.
func (b *builder) single(at string, e any) (name string, v any, ok bool) {
	m, problem := scalar.AsMap(e)
	if problem != "" {
		b.find(at, e, "must be a map with one layer", "")
		return "", nil, false
	}
	n := 0
	for _, k := range scalar.Keys(m) {
		if !scalar.IsNull(m[k]) {
			name, v = k, m[k]
			n++
		}
	}
	if n != 1 {
		b.find(at, e, fmt.Sprintf("must be a map with one layer, got %d", n), "")
		return "", nil, false
	}
	return name, v, true
}

func (b *builder) padTo(path string, v any) {
	if scalar.IsNull(v) {
		return
	}
	n, err := scalar.Integer(v)
	if err != nil || n.Neg || n.Mag > MaxLen {
		b.find(path, v, fmt.Sprintf("must be a length of 0..%d bytes", MaxLen), "")
		return
	}
	b.pad = int(n.Mag)
}

// bytes builds every layer, then writes them from the inside out.
func (b *builder) bytes() ([]byte, error) {
	stack := make([]gopacket.SerializableLayer, 0, len(b.items))
	for i, it := range b.items {
		d, _ := lookup(it.name)
		var next *item
		if i+1 < len(b.items) {
			next = &b.items[i+1]
		}
		stack = append(stack, b.build(d, it, next))
	}
	if len(b.finds) == 0 && len(b.items) == 0 && b.pad == 0 {
		b.missing("", "packet without layers")
	}
	if len(b.finds) > 0 {
		return nil, &Error{Findings: b.finds}
	}
	return b.serialize(stack)
}

func (b *builder) build(d *layer, it item, next *item) gopacket.SerializableLayer {
	if d.build == nil {
		return gopacket.Payload(b.payload(it.path, it.val))
	}
	r := b.reader(it.path, it.val, d.bare)
	l := d.build(r, next)
	r.done()
	return l
}

func (b *builder) serialize(stack []gopacket.SerializableLayer) ([]byte, error) {
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	for i := len(stack) - 1; i >= 0; i-- {
		if err := stack[i].SerializeTo(buf, opts); err != nil {
			return nil, &Error{[]Finding{{Path: b.items[i].path, Msg: err.Error()}}}
		}
		buf.PushLayer(stack[i].LayerType())
		if len(buf.Bytes()) > MaxLen {
			return nil, &Error{[]Finding{{Path: b.items[i].path, Msg: fmt.Sprintf("packet longer than %d bytes", MaxLen)}}}
		}
	}
	out := buf.Bytes()
	if len(out) < b.pad {
		out = append(out, make([]byte, b.pad-len(out))...)
	}
	return out, nil
}
