// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// etherType is the condition for an EtherType, or below 1501 for an LLC
// frame with this service access point.
func (p *parser) etherType(t uint32) node {
	if t <= 1500 {
		length := testNode{load{off: uint32(p.typeAt), size: 2}, 0xffff, lessEqual, 1500}
		return and(length, test(p.typeAt+2, 1, t))
	}
	return test(p.typeAt, 2, t)
}

// firstFragment is true for packets that begin with the transport header.
func (p *parser) firstFragment() node { return testMask(p.netAt+6, 2, 0x1fff, 0) }

// transport is the condition for a protocol over "ip", "ip6" or, with "",
// either.
func (p *parser) transport(over string, number uint32) node {
	v4 := and(p.etherType(etherTypes["ip"]), test(p.netAt+9, 1, number))
	fragment := and(test(p.netAt+6, 1, 44), test(p.netAt+40, 1, number))
	v6 := and(p.etherType(etherTypes["ip6"]), or(test(p.netAt+6, 1, number), fragment))
	switch over {
	case "ip":
		return v4
	case "ip6":
		return v6
	}
	return or(v4, v6)
}

// isValue reports whether a value without qualifiers stands here.
func (p *parser) isValue() bool {
	t := p.peek()
	if t == "" {
		return false
	}
	if _, ok := number(t); ok {
		return p.last.kind != ""
	}
	if _, err := strconv.ParseUint(t[:1], 16, 8); err != nil && t[0] != ':' {
		_, service := services[t]
		return service && (p.last.kind == "port")
	}
	return strings.ContainsAny(t, ".:") && p.last != quals{} || p.last.kind == "portrange" && strings.Contains(t, "-")
}

// primitive is qualifiers and a value, or a word that stands for itself.
func (p *parser) primitive() (node, error) {
	var q quals
	start := p.pos
	if t := p.peek(); t == "ether" || t == "link" {
		q.proto = "ether"
		p.next()
	} else if _, ok := etherTypes[t]; ok {
		q.proto = p.next().text
	} else if _, ok := transports[t]; ok {
		q.proto = p.next().text
	}
	q.dir = p.direction()
	kind, ok := p.take("host", "net", "port", "portrange", "proto")
	q.kind = kind
	switch {
	case !ok && q.dir == "":
		return p.alone(q.proto, start)
	case q.kind == "proto" && q.dir != "":
		return nil, p.errorf("proto has no direction")
	}
	p.last = q
	return p.value(q)
}

// direction reads src, dst, "src or dst" and "src and dst".
func (p *parser) direction() string {
	first, ok := p.take("src", "dst")
	if !ok {
		return ""
	}
	other := map[string]string{"src": "dst", "dst": "src"}[first]
	for _, join := range []string{"or", "||", "and", "&&"} {
		if p.peek() == join && p.tokens[p.pos+1].text == other {
			p.pos += 2
			if join == "or" || join == "||" {
				return "either"
			}
			return "both"
		}
	}
	return first
}

// alone is a primitive without value, or with one of its own kind.
func (p *parser) alone(proto string, start int) (node, error) {
	if proto == "" || proto == "ether" || proto == "ip" || proto == "ip6" {
		if word, ok := p.take("broadcast", "multicast"); ok {
			return p.many(proto, word)
		}
	}
	if proto == "" {
		switch word, _ := p.take("vlan", "less", "greater"); word {
		case "vlan":
			return p.vlan()
		case "less", "greater":
			n, err := p.number(1<<32 - 1)
			rel := map[string]relop{"less": lessEqual, "greater": greaterEqual}[word]
			return testNode{load{base: wireLen}, ^uint32(0), rel, n}, err
		}
	}
	if t, ok := etherTypes[proto]; ok {
		if p.isAddress() { // "ip 10.0.0.1" is "ip host 10.0.0.1"
			p.last = quals{proto: proto}
			return p.value(p.last)
		}
		p.last = quals{}
		return p.etherType(t), nil
	}
	if t, ok := transports[proto]; ok {
		p.last = quals{}
		over := map[[2]bool]string{{true, false}: "ip", {false, true}: "ip6"}[[2]bool{t.v4, t.v6}]
		return p.transport(over, t.number), nil
	}
	if p.isAddress() {
		p.last = quals{proto: proto}
		return p.value(p.last)
	}
	if proto == "ether" {
		return nil, p.unexpected("src, dst, host, proto, broadcast or multicast")
	}
	p.pos = start
	return nil, p.unexpected("a condition")
}

// isAddress reports whether an address stands here.
func (p *parser) isAddress() bool { return strings.ContainsAny(p.peek(), ".:") }

// many is broadcast and multicast.
func (p *parser) many(proto, word string) (node, error) {
	p.last = quals{}
	switch {
	case word == "broadcast" && proto != "ip" && proto != "ip6":
		return and(test(2, 4, 1<<32-1), test(0, 2, 0xffff)), nil
	case word == "broadcast":
		p.pos--
		return nil, p.errorf("%s broadcast needs the network mask, which is not known", proto)
	case proto == "ip":
		return and(p.etherType(etherTypes["ip"]), testNode{load{off: uint32(p.netAt + 16), size: 1}, 0xff, greaterEqual, 224}), nil
	case proto == "ip6":
		return and(p.etherType(etherTypes["ip6"]), test(p.netAt+24, 1, 255)), nil
	}
	return testMask(0, 1, 1, 1), nil
}

// vlan is a tag, with a number if one follows. What is written behind it is
// looked for behind the tag.
func (p *parser) vlan() (node, error) {
	p.last = quals{}
	n := or(test(p.typeAt, 2, 0x8100), test(p.typeAt, 2, 0x88a8), test(p.typeAt, 2, 0x9100))
	if _, ok := number(p.peek()); ok {
		id, err := p.number(4095)
		if err != nil {
			return nil, err
		}
		n = and(n, testMask(p.netAt, 2, 0x0fff, id))
	}
	if p.netAt > 1000 {
		return nil, p.errorf("more tags than a frame can have")
	}
	p.typeAt += 4
	p.netAt += 4
	return n, nil
}

func (p *parser) number(limit uint64) (uint32, error) {
	n, ok := number(p.peek())
	if !ok || uint64(n) > limit {
		return 0, p.unexpected("a number 0.." + strconv.FormatUint(limit, 10))
	}
	p.next()
	return n, nil
}

// value is what qualifiers say about a value.
func (p *parser) value(q quals) (node, error) {
	if _, ok := p.take("("); ok { // "port (80 or 443)"
		p.last = q
		p.depth++
		n, err := p.values(q)
		p.depth--
		return n, err
	}
	if !p.tokens[p.pos].word {
		return nil, p.unexpected("a value")
	}
	switch q.kind {
	case "port", "portrange":
		return p.port(q)
	case "proto":
		return p.proto(q)
	case "net":
		return p.network(q)
	}
	return p.host(q)
}

// values is a list of values in brackets.
func (p *parser) values(q quals) (node, error) {
	if p.depth > maxDepth {
		return nil, p.errorf("more than %d levels of brackets", maxDepth)
	}
	a, err := p.maybeNot(q)
	for err == nil {
		var b node
		if _, ok := p.take("and", "&&"); ok {
			if b, err = p.maybeNot(q); err == nil {
				a = andNode{a, b}
			}
		} else if _, ok := p.take("or", "||"); ok {
			if b, err = p.maybeNot(q); err == nil {
				a = orNode{a, b}
			}
		} else if _, ok := p.take(")"); ok {
			return a, nil
		} else {
			err = p.unexpected("and, or, or a closing bracket")
		}
	}
	return nil, err
}

func (p *parser) maybeNot(q quals) (node, error) {
	if _, ok := p.take("not", "!"); ok {
		n, err := p.value(q)
		return notNode{n}, err
	}
	return p.value(q)
}

// directed applies a condition about one side to what dir says.
func directed(dir string, side func(src bool) node) node {
	switch dir {
	case "src", "dst":
		return side(dir == "src")
	case "both":
		return and(side(true), side(false))
	}
	return or(side(true), side(false))
}

// proto is a protocol by number or name.
func (p *parser) proto(q quals) (node, error) {
	word := p.peek()
	n, ok := number(word)
	if q.proto == "ether" {
		if t, known := etherTypes[word]; known {
			n, ok = t, true
		}
		if !ok || n > 0xffff {
			return nil, p.unexpected("an EtherType")
		}
		p.next()
		return p.etherType(n), nil
	}
	if t, known := transports[word]; known {
		n, ok = t.number, true
	} else if t, known := protocols[word]; known {
		n, ok = t, true
	}
	if !ok || n > 255 {
		return nil, p.unexpected("a protocol number 0..255 or name")
	}
	if q.proto != "" && q.proto != "ip" && q.proto != "ip6" {
		return nil, p.errorf("proto goes with ether, ip and ip6, not with %s", q.proto)
	}
	p.next()
	return p.transport(q.proto, n), nil
}

// port is a port, or a range of them, of TCP, UDP and SCTP.
func (p *parser) port(q quals) (node, error) {
	carriers := []uint32{6, 17, 132}
	if q.proto != "" {
		t, ok := transports[q.proto]
		if !ok || q.proto != "tcp" && q.proto != "udp" && q.proto != "sctp" {
			return nil, p.errorf("%s goes with tcp, udp and sctp, not with %s", q.kind, q.proto)
		}
		carriers = []uint32{t.number}
	}
	low, high := p.peek(), p.peek()
	if s := services[low]; q.proto == "" && s.carrier != 0 {
		carriers = []uint32{s.carrier}
	}
	if q.kind == "portrange" {
		low, high, _ = strings.Cut(low, "-")
		if high == "" {
			high = low
		}
	}
	from, ok := portNumber(low)
	to, ok2 := portNumber(high)
	if !ok || !ok2 {
		return nil, p.unexpected("a port 0..65535, or its name")
	}
	p.next()
	from, to = min(from, to), max(from, to)
	return or(p.ports4(q.dir, carriers, from, to), p.ports6(q.dir, carriers, from, to)), nil
}

func portNumber(s string) (uint32, bool) {
	if s, ok := services[s]; ok {
		return s.number, true
	}
	n, ok := number(s)
	return n, ok && n <= 0xffff
}

func inRange(l load, from, to uint32) node {
	if from == to {
		return testNode{l, 0xffff, equal, from}
	}
	return and(testNode{l, 0xffff, greaterEqual, from}, testNode{l, 0xffff, lessEqual, to})
}

func oneOf(off int, numbers []uint32) node {
	var n node
	for _, v := range numbers {
		n = or(n, test(off, 1, v))
	}
	return n
}

func (p *parser) ports6(dir string, carriers []uint32, from, to uint32) node {
	return and(p.etherType(etherTypes["ip6"]), oneOf(p.netAt+6, carriers), directed(dir, func(src bool) node {
		off := p.netAt + 40
		if !src {
			off += 2
		}
		return inRange(load{off: uint32(off), size: 2}, from, to)
	}))
}

func (p *parser) ports4(dir string, carriers []uint32, from, to uint32) node {
	return and(p.etherType(etherTypes["ip"]), oneOf(p.netAt+9, carriers), p.firstFragment(), directed(dir, func(src bool) node {
		off := 0
		if !src {
			off = 2
		}
		return inRange(load{fromTransport, uint32(off) | uint32(p.netAt)<<16, 2}, from, to)
	}))
}

// host is an address.
func (p *parser) host(q quals) (node, error) {
	word := p.peek()
	if mac, ok := parseMAC(word); ok && (q.proto == "ether" || strings.Count(word, ":") == 5) {
		if q.proto != "ether" {
			return nil, p.errorf("an Ethernet address must stand behind ether")
		}
		p.next()
		return directed(q.dir, func(src bool) node {
			off := 0
			if src {
				off = 6
			}
			return and(test(off+2, 4, uint32(mac)), test(off, 2, uint32(mac>>32)))
		}), nil
	}
	addr, err := netip.ParseAddr(word)
	if n, ok := number(word); err != nil && ok && q.proto != "ether" {
		addr, err = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n))), nil
	}
	if err != nil || q.proto == "ether" || addr.Zone() != "" {
		return nil, p.unexpected("an address (names of hosts are not resolved)")
	}
	return p.addresses(q, netip.PrefixFrom(addr, addr.BitLen()))
}

// network is a prefix: a.b.c.d/n, a.b.c.d mask m, or leading bytes a.b.
func (p *parser) network(q quals) (node, error) {
	word := p.peek()
	if strings.Contains(word, ":") {
		addr, err := netip.ParseAddr(word)
		if err != nil {
			return nil, p.unexpected("an IPv6 address")
		}
		p.next()
		bits, err := p.prefixLen(128)
		if err != nil {
			return nil, err
		}
		return p.prefix(q, addr, bits)
	}
	parts := strings.Split(word, ".")
	if len(parts) > 4 {
		return nil, p.unexpected("a network (a.b.c.d/length)")
	}
	var b [4]byte
	for i, s := range parts {
		v, err := strconv.ParseUint(s, 10, 8)
		if err != nil {
			return nil, p.unexpected("a network (a.b.c.d/length)")
		}
		b[i] = byte(v)
	}
	p.next()
	bits := 8 * len(parts)
	if _, ok := p.take("mask"); ok {
		m, err := netip.ParseAddr(p.peek())
		if err != nil || !m.Is4() {
			return nil, p.unexpected("a mask (a.b.c.d)")
		}
		p.pos++
		return p.masked(q, binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(m.AsSlice()))
	}
	n, err := p.prefixLen(32)
	if err != nil {
		return nil, err
	}
	if n >= 0 {
		bits = n
	}
	return p.prefix(q, netip.AddrFrom4(b), bits)
}

// prefixLen reads /n, -1 if there is none.
func (p *parser) prefixLen(limit uint64) (int, error) {
	if _, ok := p.take("/"); !ok {
		return -1, nil
	}
	n, err := p.number(limit)
	return int(n), err
}

func (p *parser) prefix(q quals, addr netip.Addr, bits int) (node, error) {
	if bits < 0 {
		bits = addr.BitLen()
	}
	prefix := netip.PrefixFrom(addr, bits)
	if addr.Is4() {
		mask := uint32(0)
		if bits > 0 {
			mask = ^uint32(0) << (32 - bits)
		}
		return p.masked(q, binary.BigEndian.Uint32(addr.AsSlice()), mask)
	}
	if prefix.Masked().Addr() != addr {
		p.pos--
		return nil, p.errorf("the network has bits beyond its length; it is %s", prefix.Masked())
	}
	p.pos-- // as addresses takes the word
	return p.addresses(q, prefix)
}

// masked is an IPv4 network.
func (p *parser) masked(q quals, addr, mask uint32) (node, error) {
	if addr&^mask != 0 {
		p.pos--
		return nil, p.errorf("the network has bits beyond its mask")
	}
	return p.addresses4(q, addr, mask)
}

// addresses is a host, or a network of IPv6; it takes the word.
func (p *parser) addresses(q quals, prefix netip.Prefix) (node, error) {
	if prefix.Addr().Is4() {
		p.next()
		return p.addresses4(q, binary.BigEndian.Uint32(prefix.Addr().AsSlice()), ^uint32(0))
	}
	if q.proto != "" && q.proto != "ip6" {
		return nil, p.errorf("an IPv6 address cannot stand behind %s", q.proto)
	}
	p.next()
	bytes := prefix.Addr().As16()
	return and(p.etherType(etherTypes["ip6"]), directed(q.dir, func(src bool) node {
		off := p.netAt + 24
		if src {
			off = p.netAt + 8
		}
		var n node
		for i := 0; i < 16; i += 4 {
			left := min(max(prefix.Bits()-8*i, 0), 32)
			mask := uint32(uint64(1<<32-1) << (32 - left))
			n = and(n, testMask(off+i, 4, mask, binary.BigEndian.Uint32(bytes[i:])))
		}
		return n
	})), nil
}

// addresses4 is an IPv4 host or network, in IPv4 headers and in ARP.
func (p *parser) addresses4(q quals, addr, mask uint32) (node, error) {
	within := func(name string, src, dst int) node {
		if q.proto != "" && q.proto != name {
			return nil
		}
		return and(p.etherType(etherTypes[name]), directed(q.dir, func(isSrc bool) node {
			if isSrc {
				return testMask(p.netAt+src, 4, mask, addr)
			}
			return testMask(p.netAt+dst, 4, mask, addr)
		}))
	}
	n := or(within("ip", 12, 16), within("arp", 14, 24), within("rarp", 14, 24))
	if n == nil {
		p.pos--
		return nil, p.errorf("an IPv4 address cannot stand behind %s", q.proto)
	}
	return n, nil
}

// parseMAC reads six pairs of hex digits with colons.
func parseMAC(s string) (mac uint64, ok bool) {
	groups := strings.Split(s, ":")
	if len(groups) != 6 {
		return 0, false
	}
	for _, g := range groups {
		v, err := strconv.ParseUint(g, 16, 8)
		if err != nil || len(g) > 2 {
			return 0, false
		}
		mac = mac<<8 | v
	}
	return mac, true
}
