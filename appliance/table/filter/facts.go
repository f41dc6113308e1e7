// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import "slices"

// fact is a test of the kind eq8 to eq32 with its result. Who knows it knows,
// too, that packets are long enough for it.
type fact struct {
	test testNode
	op   opcode
	is   bool
}

// facts are what is known of packets on a way through a filter. "udp" for
// instance asks for the EtherType of IPv4 and then for that of IPv6, which
// packets that have the first need not be asked.
type facts []fact

// maxFacts and maxLearn bound the time to compile a long filter.
const (
	maxFacts = 16
	maxLearn = 8
)

// after returns what is known when a condition has been found true or false.
func (f facts) after(n node, is bool) facts { return f.learn(n, is, maxLearn) }

func (f facts) learn(n node, is bool, depth int) facts {
	if len(f) >= maxFacts || depth == 0 {
		return f
	}
	switch n := n.(type) {
	case notNode:
		return f.learn(n.a, !is, depth-1)
	case andNode:
		if is {
			return f.learn(n.b, true, depth-1).learn(n.a, true, depth-1)
		}
	case orNode:
		if !is {
			return f.learn(n.b, false, depth-1).learn(n.a, false, depth-1)
		}
	case testNode:
		if op, ok := n.equality(); ok {
			return append(slices.Clip(f), fact{n, op, is})
		}
	}
	return f
}

// decide returns the result of a test eq8 to eq32 if it is known.
func (f facts) decide(i *instr) (ok, decided bool) {
	for _, k := range f {
		t := &k.test
		if t.off != i.off || t.mask != i.mask || k.op != i.op {
			continue
		}
		if t.value == i.value {
			return k.is, true
		}
		if k.is {
			return false, true
		}
	}
	return false, false
}

// skip returns where packets of which so much is known go on, if next is where
// they come to: past the tests that are decided.
func (p *Program) skip(next uint16, f facts) uint16 {
	for int(next) < len(p.code) && p.code[next].op <= eq32 {
		i := &p.code[next]
		ok, decided := f.decide(i)
		if !decided {
			break
		}
		if next = i.no; ok {
			next = i.yes
		}
	}
	return next
}
