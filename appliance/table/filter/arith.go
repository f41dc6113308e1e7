// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

// value is a computed value with what must be true of the frame for it.
type value struct {
	steps []step
	needs node
}

var relops = map[string]relop{"=": equal, "==": equal, "!=": notEqual, ">": greater, ">=": greaterEqual, "<": less, "<=": lessEqual}

// levels are the operators from the weakest on.
var levels = []map[string]stepOp{
	{"|": bitOr, "^": bitXor}, {"&": bitAnd}, {"<<": shiftLeft, ">>": shiftRight}, {"+": add, "-": sub}, {"*": mul, "/": div, "%": mod},
}

// comparison is two computed values and an operator between them.
func (p *parser) comparison() (node, error) {
	a, err := p.arith(0)
	if err != nil {
		return nil, err
	}
	rel, ok := relops[p.peek()]
	if !ok {
		return nil, p.unexpected("a comparison (=, !=, <, >, <=, >=)")
	}
	p.next()
	b, err := p.arith(0)
	if err != nil {
		return nil, err
	}
	if depth(a.steps) > maxStack || depth(b.steps) > maxStack {
		return nil, p.errorf("more than %d values wait to be combined", maxStack)
	}
	return and(a.needs, b.needs, relation(rel, a.steps, b.steps)), nil
}

// depth returns how many values the steps need at once.
func depth(steps []step) (most int) {
	n := 0
	for _, s := range steps {
		switch s.op {
		case push, pushLen, pushLoad:
			n++
		case loadIndex, negate:
		default:
			n--
		}
		most = max(most, n)
	}
	return most
}

// relation is a test of one load where that is enough.
func relation(rel relop, a, b []step) node {
	if len(b) == 1 && b[0].op == push {
		mask := ^uint32(0)
		if len(a) == 3 && a[1].op == push && a[2].op == bitAnd {
			mask = a[1].value
			a = a[:1]
		}
		if len(a) == 1 {
			switch s := a[0]; s.op {
			case pushLoad:
				return testNode{load{s.base, s.value | s.ip<<16, s.size}, mask, rel, b[0].value}
			case pushLen:
				return testNode{load{base: wireLen}, mask, rel, b[0].value}
			case push:
				return boolNode(rel.holds(s.value&mask, b[0].value))
			}
			if mask != ^uint32(0) {
				a = append(a[:1:1], step{op: push, value: mask}, step{op: bitAnd})
			}
		}
	}
	return relNode{rel, a, b}
}

// arith is operators of a level and above.
func (p *parser) arith(level int) (value, error) {
	if level == len(levels) {
		return p.operand()
	}
	a, err := p.arith(level + 1)
	for err == nil {
		op, ok := levels[level][p.peek()]
		if !ok {
			return a, nil
		}
		at := p.pos
		p.next()
		var b value
		if b, err = p.arith(level + 1); err != nil {
			break
		}
		if a, ok = combine(op, a, b); !ok {
			p.pos = at
			return value{}, p.errorf("division by zero")
		}
		if len(a.steps) > maxSteps {
			return value{}, p.errorf("the expression computes too much")
		}
	}
	return value{}, err
}

// maxSteps bounds a computed value.
const maxSteps = 1000

// combine applies an operator, at once if both values are constant.
func combine(op stepOp, a, b value) (value, bool) {
	last := b.steps[len(b.steps)-1]
	constant := len(b.steps) == 1 && last.op == push
	if constant && last.value == 0 && (op == div || op == mod) {
		return value{}, false
	}
	// As in libpcap, only what the left side needs is asked for.
	needs := a.needs
	if constant && len(a.steps) == 1 && a.steps[0].op == push {
		v, ok := apply(op, a.steps[0].value, last.value)
		return value{[]step{{op: push, value: v}}, needs}, ok
	}
	steps := append(append(a.steps[:len(a.steps):len(a.steps)], b.steps...), step{op: op})
	return value{steps, needs}, true
}

// operand is a number, len, a load, or brackets.
func (p *parser) operand() (value, error) {
	if p.depth++; p.depth > maxDepth {
		return value{}, p.errorf("more than %d levels of brackets", maxDepth)
	}
	defer func() { p.depth-- }()
	if _, ok := p.take("("); ok {
		v, err := p.arith(0)
		if err == nil {
			if _, ok := p.take(")"); !ok {
				err = p.unexpected("a closing bracket")
			}
		}
		return v, err
	}
	if _, ok := p.take("-"); ok {
		v, err := p.operand()
		if err != nil {
			return v, err
		}
		if len(v.steps) == 1 && v.steps[0].op == push {
			return value{[]step{{op: push, value: -v.steps[0].value}}, v.needs}, nil
		}
		return value{append(v.steps[:len(v.steps):len(v.steps)], step{op: negate}), v.needs}, nil
	}
	t := p.tokens[p.pos]
	if !t.word {
		return value{}, p.unexpected("a number or proto[offset:size]")
	}
	if v, ok := constants[t.text]; ok {
		p.next()
		return value{steps: []step{{op: push, value: v}}}, nil
	}
	if v, ok := number(t.text); ok {
		p.next()
		return value{steps: []step{{op: push, value: v}}}, nil
	}
	if t.text == "len" {
		p.next()
		return value{steps: []step{{op: pushLen}}}, nil
	}
	return p.accessor()
}

// accessor is proto[offset] or proto[offset:size].
func (p *parser) accessor() (value, error) {
	name := p.peek()
	s, needs, ok := p.header(name)
	if !ok {
		return value{}, p.unexpected("a number or proto[offset:size]")
	}
	p.next()
	if _, ok := p.take("["); !ok {
		return value{}, p.unexpected("an opening bracket")
	}
	index, err := p.arith(0)
	if err != nil {
		return value{}, err
	}
	s.size = 1
	if _, ok := p.take(":"); ok {
		switch p.peek() {
		case "1", "2", "4":
			s.size = p.next().text[0] - '0'
		default:
			return value{}, p.unexpected("a size of 1, 2 or 4")
		}
	}
	if _, ok := p.take("]"); !ok {
		return value{}, p.unexpected("a closing bracket")
	}
	needs = and(index.needs, needs)
	if len(index.steps) == 1 && index.steps[0].op == push && index.steps[0].value < maxText {
		s.op, s.value = pushLoad, s.value+index.steps[0].value
		if s.value < 1<<16 {
			return value{[]step{s}, needs}, nil
		}
		s.value -= index.steps[0].value
	}
	s.op = loadIndex
	return value{append(index.steps[:len(index.steps):len(index.steps)], s), needs}, nil
}

// header returns where the header of a protocol is, and what must be true for
// it to be there.
func (p *parser) header(name string) (s step, needs node, ok bool) {
	switch name {
	case "ether", "link", "fddi", "tr", "wlan":
		return step{}, nil, name == "ether" || name == "link"
	case "icmp6":
		return step{value: uint32(p.netAt + 40)}, p.transport("ip6", 58), true
	}
	if t, known := etherTypes[name]; known {
		return step{value: uint32(p.netAt)}, p.etherType(t), true
	}
	if t, known := transports[name]; known && t.v4 {
		s := step{base: fromTransport, ip: uint32(p.netAt)}
		return s, and(p.etherType(etherTypes["ip"]), test(p.netAt+9, 1, t.number), p.firstFragment()), true
	}
	return step{}, nil, false
}
