// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package field

import (
	"encoding/binary"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Limits of a list of fields.
const (
	MaxFields = 8
	MaxSize   = 8    // bytes of a field
	MaxOffset = 1024 // of a field in the frame
	MaxWords  = MaxFields * MaxSize / 8
)

// Field is one checked bess.pb.Field.
type Field struct {
	// Attr is the metadata attribute, "" for a place in the frame.
	Attr   string
	ID     module.AttrID // of Attr
	Offset int           // in the frame
	Size   int           // bytes, 1..MaxSize
}

// IsAttr reports whether the field is a metadata attribute.
func (f *Field) IsAttr() bool { return f.Attr != "" }

// Parse checks up to MaxFields fields and declares their attributes; name is
// that of the argument's list, for errors. Errors: EINVAL, and those of
// Env.AddAttr.
func Parse(env *module.Env, name string, fields []*api.Field, mode module.Mode) ([]Field, error) {
	if n := len(fields); n > MaxFields {
		return nil, module.Invalid(name, n, "must be at most %d fields", MaxFields)
	}
	list := make([]Field, len(fields))
	for i, f := range fields {
		at := fmt.Sprintf("%s[%d]", name, i)
		if n := f.GetNumBytes(); n < 1 || n > MaxSize {
			return nil, module.Invalid(at+".num_bytes", n, "must be 1..%d bytes", MaxSize)
		}
		list[i].Size = int(f.GetNumBytes())
		switch p := f.GetPosition().(type) {
		case *api.Field_Offset:
			if p.Offset > MaxOffset {
				return nil, module.Invalid(at+".offset", p.Offset, "must be 0..%d", MaxOffset)
			}
			list[i].Offset = int(p.Offset)
		case *api.Field_AttrName:
			id, err := env.AddAttr(p.AttrName, list[i].Size, mode)
			if err != nil {
				return nil, errno.Wrap(err, "%s.attr_name", at)
			}
			list[i].Attr, list[i].ID = p.AttrName, id
		default:
			return nil, errno.Errorf(errno.EINVAL, "%s: must have an offset or an attr_name", at)
		}
	}
	return list, nil
}

// Key reads fields of packets. Immutable.
type Key struct {
	fields []Field
	size   int // bytes without padding
	ops    []op
}

// op reads up to eight bytes into one word of the key.
type op struct {
	attr  bool
	id    module.AttrID
	from  int // first byte: in the frame, or in the attribute
	n     int // bytes
	at    int // in the frame: where the eight bytes to load begin
	shr   uint8
	shl   uint8
	first bool // of its word
	word  int
	mask  uint64 // of the n bytes
}

// NewKey returns the key of checked fields. mask, if not nil, has the bits
// that count, one byte per byte of the key.
func NewKey(fields []Field, mask []byte) *Key {
	k := &Key{fields: fields}
	for i := range fields {
		k.append(&fields[i])
	}
	for i := range k.ops {
		k.ops[i].finish(mask)
	}
	return k
}

// append adds a field to the ops. What follows the field before in the frame
// and in the key is read together with it.
func (k *Key) append(f *Field) {
	for done := 0; done < f.Size; {
		at := k.size
		n := min(f.Size-done, 8-at%8)
		from := done
		if !f.IsAttr() {
			from += f.Offset
		}
		k.size += n
		done += n
		if at%8 != 0 && !f.IsAttr() {
			if last := &k.ops[len(k.ops)-1]; !last.attr && last.from+last.n == from {
				last.n += n
				continue
			}
		}
		k.ops = append(k.ops, op{attr: f.IsAttr(), id: f.ID, from: from, n: n, word: at / 8, shl: uint8(at % 8 * 8), first: at%8 == 0})
	}
}

// finish computes how to load an op's bytes: the eight that end where they
// end, so that nothing beyond them is needed.
func (o *op) finish(mask []byte) {
	o.mask = ^uint64(0) >> (64 - 8*o.n)
	if mask != nil {
		var b [8]byte
		copy(b[:o.n], mask[8*o.word+int(o.shl)/8:])
		o.mask &= binary.LittleEndian.Uint64(b[:])
	}
	o.at = max(o.from+o.n-8, 0)
	o.shr = uint8(8 * (o.from - o.at))
}

// Words returns the number of words of a key, at least 1.
func (k *Key) Words() int { return max((k.size+7)/8, 1) }

// Fields returns the fields.
func (k *Key) Fields() []Field { return k.fields }

// Extract writes the keys of ps into keys, one behind the other, and returns
// the set of packets (bit i is packet i) that end before one of their fields;
// what is missing counts as zero there. Attributes that nobody writes are
// zero.
func (k *Key) Extract(ctx *module.Context, ps []packet.Packet, keys []uint64) (short uint64) {
	if len(k.ops) == 0 {
		clear(keys[:len(ps)])
		return 0
	}
	words := k.Words()
	for ops := k.ops; len(ops) > 0; {
		o := &ops[0]
		switch {
		case o.attr:
			o.meta(ps, keys[o.word:], words, ctx.Attr(o.id))
		case o.first && len(ops) > 1 && !ops[1].attr:
			short |= o.pair(&ops[1], ps, keys, words)
			ops = ops[1:]
		default:
			short |= o.frame(ps, keys[o.word:], words)
		}
		ops = ops[1:]
	}
	return short
}

// atMask changes no place in a frame, and tells the compiler that it is inside
// a packet.Front.
const atMask = 2047

// pair is frame for two pieces, the first one the first of its word: most keys
// are read by one look at every packet.
func (o *op) pair(b *op, ps []packet.Packet, to []uint64, stride int) (short uint64) {
	if o.word == b.word {
		return o.both(b, ps, to[o.word:], stride)
	}
	atA, shrA, maskA := o.at&atMask, o.shr&63, o.mask
	atB, shrB, maskB := b.at&atMask, b.shr&63, b.mask
	need := max(atA, atB) + 8
	w := o.word // the next one gets the second piece, which is its first
	for i, p := range ps {
		pair := to[w : w+2]
		w += stride
		d := p.Front(need)
		if d == nil {
			pair[0], pair[1] = 0, 0
			short |= (o.add(p, &pair[0]) | b.add(p, &pair[1])) << (i & 63)
			continue
		}
		pair[0] = binary.LittleEndian.Uint64(d[atA:]) >> shrA & maskA
		pair[1] = binary.LittleEndian.Uint64(d[atB:]) >> shrB & maskB
	}
	return short
}

// both is pair for pieces of one word.
func (o *op) both(b *op, ps []packet.Packet, to []uint64, stride int) (short uint64) {
	atA, shrA, maskA := o.at&atMask, o.shr&63, o.mask
	atB, shrB, maskB, shlB := b.at&atMask, b.shr&63, b.mask, b.shl&63
	need := max(atA, atB) + 8
	w := 0
	for i, p := range ps {
		d := p.Front(need)
		if d == nil {
			to[w] = 0
			short |= (o.add(p, &to[w]) | b.add(p, &to[w])) << (i & 63)
			w += stride
			continue
		}
		to[w] = binary.LittleEndian.Uint64(d[atA:])>>shrA&maskA | binary.LittleEndian.Uint64(d[atB:])>>shrB&maskB<<shlB
		w += stride
	}
	return short
}

// add reads a piece of a packet of any length and returns 1 if it ends before.
func (o *op) add(p packet.Packet, to *uint64) (short uint64) {
	d := p.Bytes()
	if len(d) < o.from+o.n {
		short = 1
	}
	*to |= tail(d, o.at) >> (o.shr & 63) & o.mask << (o.shl & 63)
	return short
}

// frame reads a piece of the frame into every stride-th word.
func (o *op) frame(ps []packet.Packet, to []uint64, stride int) (short uint64) {
	at, shr, shl, mask := o.at&atMask, o.shr&63, o.shl&63, o.mask
	keep := ^uint64(0)
	if o.first {
		keep = 0
	}
	w := 0
	for i, p := range ps {
		to[w] &= keep
		if d := p.Front(at + 8); d != nil {
			to[w] |= binary.LittleEndian.Uint64(d[at:]) >> shr & mask << shl
		} else {
			short |= o.add(p, &to[w]) << (i & 63)
		}
		w += stride
	}
	return short
}

// tail returns the up to eight bytes of d from at on, followed by zeros.
func tail(d []byte, at int) uint64 {
	var b [8]byte
	copy(b[:], d[min(at, len(d)):])
	return binary.LittleEndian.Uint64(b[:])
}

// meta reads a piece of an attribute, which lies at byte off of the metadata
// area, into every stride-th word.
func (o *op) meta(ps []packet.Packet, to []uint64, stride, off int) {
	keep := ^uint64(0)
	if o.first {
		keep = 0
	}
	w := 0
	if off < 0 {
		for range ps {
			to[w] &= keep
			w += stride
		}
		return
	}
	at := min(off+o.from, packet.MetadataSize-8)
	shr := uint(8*(off+o.from-at)) & 63
	shl, mask := o.shl&63, o.mask
	for _, p := range ps {
		x := binary.LittleEndian.Uint64(p.Metadata()[at:])
		to[w] = to[w]&keep | x>>shr&mask<<shl
		w += stride
	}
}

// Pack returns the words of a key given as its bytes.
func (k *Key) Pack(b []byte) []uint64 { return Words(b, k.Words()) }

// Words returns n words with the bytes of b, followed by zeros.
func Words(b []byte, n int) []uint64 {
	w := make([]uint64, n)
	for i, c := range b {
		w[i/8] |= uint64(c) << (i % 8 * 8)
	}
	return w
}

// Unpack returns the bytes of each field of a key given as its words.
func (k *Key) Unpack(words []uint64) [][]byte {
	var all []byte
	for _, w := range words {
		all = binary.LittleEndian.AppendUint64(all, w)
	}
	parts := make([][]byte, len(k.fields))
	for i := range k.fields {
		n := k.fields[i].Size
		parts[i], all = all[:n:n], all[n:]
	}
	return parts
}

// UnpackWord returns the first size bytes of a word.
func UnpackWord(word uint64, size int) []byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], word)
	return b[:size]
}
