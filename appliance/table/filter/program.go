// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Program is a compiled filter. It never changes, so any number of goroutines
// may use it at once.
type Program struct {
	code  []instr
	rels  []relNode
	start uint16
}

// instr is a test with the numbers of what comes next.
type instr struct {
	op      opcode
	rel     relop
	ip      uint16 // where the IPv4 header is, for ops relative to its end
	off     uint32 // or the number of a relNode
	mask    uint32
	value   uint32
	yes, no uint16
	// For eq8 to eq32: mask and value in the eight bytes at off, as a
	// little-endian number.
	bits, want uint64
}

type opcode uint8

const (
	eq8 opcode = iota // loads with a mask, compared for equality
	eq16
	eq32
	cmpLoad  // any load of the frame
	cmpTrans // any load behind the IPv4 header
	cmpLen
	cmpRel
)

// What yes and no can be beside the number of an instruction.
const (
	reject = 0xffff
	accept = 0xfffe
	maxLen = 0xfff0
)

// Compile compiles an expression; the empty one matches every frame. Errors:
// EINVAL with the place of the mistake.
func Compile(text string) (*Program, error) {
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &Program{}
	if p.start = p.emit(n, accept, reject, nil); len(p.code) > maxLen {
		return nil, errno.Errorf(errno.EINVAL, "%.200q: the filter is too long: it has %d tests, at most %d fit", text, len(p.code), maxLen)
	}
	return p, nil
}

// emit writes the tests of a condition that goes on to yes or no, and returns
// where it begins. known is what earlier tests have found of every packet that
// comes here.
func (p *Program) emit(n node, yes, no uint16, known facts) uint16 {
	if len(p.code) > maxLen {
		return no // Compile reports it
	}
	switch n := n.(type) {
	case andNode:
		return p.emit(n.a, p.emit(n.b, yes, no, known.after(n.a, true)), no, known)
	case orNode:
		return p.emit(n.a, yes, p.emit(n.b, yes, no, known.after(n.a, false)), known)
	case notNode:
		return p.emit(n.a, no, yes, known)
	case boolNode:
		if n {
			return yes
		}
		return no
	case relNode:
		p.rels = append(p.rels, n)
		return p.add(instr{op: cmpRel, rel: n.rel, off: uint32(len(p.rels) - 1), yes: yes, no: no})
	}
	t := n.(testNode)
	if op, ok := t.equality(); ok {
		return p.emitEquality(t, op, yes, no, known)
	}
	i := instr{rel: t.rel, off: t.off, mask: t.mask, value: t.value, yes: yes, no: no}
	switch t.base {
	case wireLen:
		i.op = cmpLen
	case fromTransport:
		i.op, i.ip, i.off = cmpTrans, uint16(t.off>>16), t.off&0xffff
		i.mask = t.mask & (^uint32(0) >> (32 - 8*uint(t.size)))
	default:
		i.op = cmpLoad
	}
	if i.op == cmpLoad || i.op == cmpTrans {
		i.value, i.rel = t.value, t.rel|relop(t.size)<<4
	}
	return p.add(i)
}

// equality returns how to make a test that compares a part of the frame for
// equality, if it is one.
func (t *testNode) equality() (opcode, bool) {
	if t.base != fromFrame || t.rel != equal {
		return 0, false
	}
	return map[uint8]opcode{1: eq8, 2: eq16, 4: eq32}[t.size], true
}

// emitEquality is emit for such a test, unless its result is known.
func (p *Program) emitEquality(t testNode, op opcode, yes, no uint16, known facts) uint16 {
	i := instr{op: op, off: t.off, mask: t.mask, value: t.value}
	if unused := 64 - 8<<op; t.value > ^uint32(0)>>(32-8<<op) {
		i.want = 1 // never: bits is 0
	} else {
		i.bits, i.want = bits.ReverseBytes64(uint64(t.mask)<<unused), bits.ReverseBytes64(uint64(t.value)<<unused)
	}
	if ok, decided := known.decide(&i); decided && ok {
		return yes
	} else if decided {
		return no
	}
	i.yes, i.no = p.skip(yes, known.after(t, true)), p.skip(no, known.after(t, false))
	return p.add(i)
}

func (p *Program) add(i instr) uint16 {
	p.code = append(p.code, i)
	return uint16(len(p.code) - 1)
}

// Match decides a frame of total bytes, of which data are at hand.
func (p *Program) Match(data []byte, total int) bool {
	pc := p.start
	for int(pc) < len(p.code) {
		i := &p.code[pc]
		ok, valid := p.test(i, data, total)
		if !valid {
			return false
		}
		if ok {
			pc = i.yes
		} else {
			pc = i.no
		}
	}
	return pc == accept
}

// test makes a test. valid is false if the filter ends without a match.
func (p *Program) test(i *instr, data []byte, total int) (ok, valid bool) {
	switch i.op {
	case eq8:
		if uint(i.off) < uint(len(data)) {
			return uint32(data[i.off])&i.mask == i.value, true
		}
	case eq16:
		if uint(i.off)+2 <= uint(len(data)) {
			return uint32(binary.BigEndian.Uint16(data[i.off:]))&i.mask == i.value, true
		}
	case eq32:
		if uint(i.off)+4 <= uint(len(data)) {
			return binary.BigEndian.Uint32(data[i.off:])&i.mask == i.value, true
		}
	case cmpLen:
		return i.rel.holds(uint32(total)&i.mask, i.value), true
	default:
		return p.other(i, data, total)
	}
	return false, false
}

// other makes the tests that are not so common.
func (p *Program) other(i *instr, data []byte, total int) (ok, valid bool) {
	if i.op == cmpRel {
		r := &p.rels[i.off]
		a, aok := compute(r.a, data, total)
		b, bok := compute(r.b, data, total)
		return r.rel.holds(a, b), aok && bok
	}
	off := uint64(i.off)
	if i.op == cmpTrans {
		h, hok := read(data, uint64(i.ip), 1)
		if !hok {
			return false, false
		}
		off += uint64(i.ip) + uint64(h&0x0f)*4
	}
	v, vok := read(data, off, uint8(i.rel>>4))
	return (i.rel & 0x0f).holds(v&i.mask, i.value), vok
}

// read loads size bytes at off.
func read(data []byte, off uint64, size uint8) (uint32, bool) {
	if off+uint64(size) > uint64(len(data)) {
		return 0, false
	}
	switch d := data[off:]; size {
	case 1:
		return uint32(d[0]), true
	case 2:
		return uint32(binary.BigEndian.Uint16(d)), true
	default:
		return binary.BigEndian.Uint32(d), true
	}
}

// compute runs the stack machine.
func compute(steps []step, data []byte, total int) (uint32, bool) {
	var stack [maxStack]uint32
	n := 0
	for i := range steps {
		s := &steps[i]
		switch s.op {
		case push:
			stack[n&(maxStack-1)] = s.value
			n++
		case pushLen:
			stack[n&(maxStack-1)] = uint32(total)
			n++
		case pushLoad, loadIndex:
			// Offsets are 32 bits, too, and wrap.
			off := s.value
			if s.base == fromTransport {
				h, ok := read(data, uint64(s.ip), 1)
				if !ok {
					return 0, false
				}
				off += s.ip + h&0x0f*4
			}
			if s.op == loadIndex {
				n--
				off += stack[n&(maxStack-1)]
			}
			v, ok := read(data, uint64(off), s.size)
			if !ok {
				return 0, false
			}
			stack[n&(maxStack-1)] = v
			n++
		case negate:
			stack[(n-1)&(maxStack-1)] = -stack[(n-1)&(maxStack-1)]
		default:
			n--
			v, ok := apply(s.op, stack[(n-1)&(maxStack-1)], stack[n&(maxStack-1)])
			if !ok {
				return 0, false
			}
			stack[(n-1)&(maxStack-1)] = v
		}
	}
	return stack[0], true
}
