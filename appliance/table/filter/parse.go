// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import "strconv"

// Limits that keep hostile expressions small.
const (
	maxText  = 64 << 10
	maxDepth = 200
)

// parser reads an expression from left to right, as libpcap does: vlan moves
// the headers for all that is written behind it.
type parser struct {
	text   string
	tokens []token
	pos    int
	depth  int
	typeAt int   // where the EtherType is
	netAt  int   // where the header behind it is
	last   quals // of the primitive before, for "port 80 or 443"
}

// quals are the qualifiers of an address, number or name.
type quals struct {
	proto, dir, kind string
}

func parse(text string) (node, error) {
	if len(text) > maxText {
		return nil, fault(text, maxText, "the expression is longer than %d characters", maxText)
	}
	tokens, err := split(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens, typeAt: 12, netAt: 14}
	if tokens[0].text == "" {
		return boolNode(true), nil
	}
	n, err := p.expression()
	if err == nil && p.peek() != "" {
		err = p.unexpected("and, or, or the end")
	}
	return n, err
}

func (p *parser) peek() string { return p.tokens[p.pos].text }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.text != "" {
		p.pos++
	}
	return t
}

// take takes the token if it is one of words.
func (p *parser) take(words ...string) (string, bool) {
	for _, w := range words {
		if p.peek() == w {
			return p.next().text, true
		}
	}
	return "", false
}

func (p *parser) errorf(format string, a ...any) error {
	return fault(p.text, p.tokens[p.pos].at, format, a...)
}

func (p *parser) unexpected(want string) error {
	if why, ok := unsupported[p.peek()]; ok {
		return p.errorf("%s is not supported: %s", p.peek(), why)
	}
	if p.peek() == "" {
		return p.errorf("the expression ends, but %s is missing", want)
	}
	return p.errorf("%q is unexpected; %s must stand here", p.peek(), want)
}

// expression is terms joined by and and or, which bind equally.
func (p *parser) expression() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("more than %d levels of brackets", maxDepth)
	}
	defer func() { p.depth-- }()
	a, err := p.term(false)
	for err == nil {
		var b node
		if _, ok := p.take("and", "&&"); ok {
			if b, err = p.term(true); err == nil {
				a = andNode{a, b}
			}
		} else if _, ok := p.take("or", "||"); ok {
			if b, err = p.term(true); err == nil {
				a = orNode{a, b}
			}
		} else {
			return a, nil
		}
	}
	return nil, err
}

// term is a negation, brackets, a comparison or a primitive; behind and and or
// it may be a value alone, which has the qualifiers of the one before.
func (p *parser) term(again bool) (node, error) {
	if _, ok := p.take("not", "!"); ok {
		if p.depth++; p.depth > maxDepth {
			return nil, p.errorf("more than %d negations", maxDepth)
		}
		defer func() { p.depth-- }()
		n, err := p.term(again)
		return notNode{n}, err
	}
	if p.isComparison() {
		return p.comparison()
	}
	if _, ok := p.take("("); ok {
		n, err := p.expression()
		if err == nil {
			if _, ok := p.take(")"); !ok {
				err = p.unexpected("a closing bracket")
			}
		}
		return n, err
	}
	if p.peek() != "" && !p.tokens[p.pos].word {
		return nil, p.unexpected("a condition")
	}
	if again && p.isValue() {
		return p.value(p.last)
	}
	return p.primitive()
}

// isComparison looks ahead for a comparison of computed values: it begins with
// a number, len, a protocol with a bracket behind it, a minus, or an opening
// bracket that such a thing follows.
func (p *parser) isComparison() bool {
	i := p.pos
	for p.tokens[i].text == "(" || p.tokens[i].text == "-" {
		i++
	}
	t, behind := p.tokens[i], ""
	if t.text != "" {
		behind = p.tokens[i+1].text
	}
	_, named := constants[t.text]
	switch {
	case !t.word:
		return false
	case t.text == "len", named, behind == "[":
	case t.text[0] >= '0' && t.text[0] <= '9':
		if _, ok := number(t.text); !ok {
			return false
		}
	default:
		return false
	}
	switch behind {
	case "[", "+", "-", "*", "%", "&", "|", "^", "<<", ">>", "=", "==", "!=", "<", ">", "<=", ">=":
		return true
	case "/":
		return t.text == "len" // otherwise the length of a network's prefix
	case ")":
		return t.text == "len" || named || p.tokens[p.pos].text == "(" && p.closesIntoComparison(i+1)
	}
	return false
}

// closesIntoComparison reports whether an operator of values follows the
// closing brackets at i.
func (p *parser) closesIntoComparison(i int) bool {
	for p.tokens[i].text == ")" {
		i++
	}
	switch p.tokens[i].text {
	case "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "=", "==", "!=", "<", ">", "<=", ">=":
		return true
	}
	return false
}

// number reads decimal, hexadecimal (0x) and octal (0) numbers of 32 bits.
func number(s string) (uint32, bool) {
	v, err := strconv.ParseUint(s, 0, 32)
	if err != nil || len(s) > 1 && s[0] == '0' && (s[1]|0x20 == 'b' || s[1]|0x20 == 'o') {
		return 0, false
	}
	return uint32(v), true
}
