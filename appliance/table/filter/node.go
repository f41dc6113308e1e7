// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

// node is a condition: one of the types below.
type node interface{}

type (
	andNode struct{ a, b node }
	orNode  struct{ a, b node }
	notNode struct{ a node }
	// boolNode is always or never true.
	boolNode bool
	// testNode compares a load.
	testNode struct {
		load
		mask  uint32
		rel   relop
		value uint32
	}
	// relNode compares two computed values.
	relNode struct {
		rel  relop
		a, b []step
	}
)

// load is a number in the frame, most significant byte first.
type load struct {
	base base
	off  uint32 // from the base
	size uint8  // bytes: 1, 2 or 4
}

// base is what an offset is counted from.
type base uint8

const (
	fromFrame     base = iota // the first byte
	fromTransport             // the end of the IPv4 header that load.ip tells
	wireLen                   // no load: the length of the frame
)

// relop is a comparison.
type relop uint8

const (
	equal relop = iota
	greater
	greaterEqual
	notEqual
	less
	lessEqual
)

func (r relop) holds(a, b uint32) bool {
	switch r {
	case equal:
		return a == b
	case notEqual:
		return a != b
	case greater:
		return a > b
	case greaterEqual:
		return a >= b
	case less:
		return a < b
	default:
		return a <= b
	}
}

// and joins conditions; nil is left out.
func and(list ...node) node {
	var all node
	for _, n := range list {
		switch {
		case n == nil:
		case all == nil:
			all = n
		default:
			all = andNode{all, n}
		}
	}
	return all
}

func or(list ...node) node {
	var all node
	for _, n := range list {
		switch {
		case n == nil:
		case all == nil:
			all = n
		default:
			all = orNode{all, n}
		}
	}
	return all
}

// test compares size bytes of the frame at off.
func test(off, size int, value uint32) node {
	return testNode{load: load{off: uint32(off), size: uint8(size)}, mask: ^uint32(0) >> (32 - 8*size), value: value}
}

// testMask is test of the bits of a mask.
func testMask(off, size int, mask, value uint32) node {
	return testNode{load: load{off: uint32(off), size: uint8(size)}, mask: mask, value: value}
}

// step is an instruction of the stack machine that computes values.
type step struct {
	op    stepOp
	value uint32 // constant; offset added to the index
	base  base
	ip    uint32 // where the IPv4 header is, for fromTransport
	size  uint8
}

type stepOp uint8

const (
	push      stepOp = iota // value
	pushLen                 // length of the frame
	pushLoad                // load at base + value
	loadIndex               // replaces the top by the load at base + value + top
	negate
	add
	sub
	mul
	div
	mod
	bitAnd
	bitOr
	bitXor
	shiftLeft
	shiftRight
)

// maxStack is how many values can be on the stack.
const maxStack = 32

// apply computes a operator b; ok is false for a division by zero.
func apply(op stepOp, a, b uint32) (v uint32, ok bool) {
	switch op {
	case add:
		return a + b, true
	case sub:
		return a - b, true
	case mul:
		return a * b, true
	case div:
		if b == 0 {
			return 0, false
		}
		return a / b, true
	case mod:
		if b == 0 {
			return 0, false
		}
		return a % b, true
	case bitAnd:
		return a & b, true
	case bitOr:
		return a | b, true
	case bitXor:
		return a ^ b, true
	case shiftLeft:
		if b >= 32 {
			return 0, true
		}
		return a << b, true
	default:
		if b >= 32 {
			return 0, true
		}
		return a >> b, true
	}
}
