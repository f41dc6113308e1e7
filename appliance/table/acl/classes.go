// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"cmp"
	"slices"
)

// Class 0 of every dimension is that of packets which match only the rules
// that do not look at the dimension; no record of it holds anything.

// prefix is a network that rules name, with its class.
type prefix struct {
	addr uint32
	len  uint8
}

// compare orders networks so that each stands before those inside it.
func (p prefix) compare(q prefix) int {
	return cmp.Or(cmp.Compare(p.addr, q.addr), cmp.Compare(p.len, q.len))
}

func (p prefix) contains(q prefix) bool {
	return p.len <= q.len && (p.addr^q.addr)&mask(p.len) == 0
}

// prefixClasses are the classes of the addresses of one dimension. An address
// belongs to the class of the longest network that holds it. Networks nest or
// do not touch, so this network tells all rules that can match the address:
// its own and those of the networks around it. There are therefore never more
// classes than different networks, plus class 0.
type prefixClasses struct {
	list   []prefix // class c is list[c-1]
	parent []uint16 // by class: the next larger network's class, 0 for none
}

// newPrefixClasses collects the networks that take returns; those of length 0
// are left out.
func newPrefixClasses(rules []Rule, take func(*Rule) prefix) *prefixClasses {
	c := &prefixClasses{}
	for i := range rules {
		if p := take(&rules[i]); p.len != 0 {
			c.list = append(c.list, p)
		}
	}
	slices.SortFunc(c.list, prefix.compare)
	c.list = slices.Compact(c.list)
	c.parent = make([]uint16, len(c.list)+1)
	var around []uint16 // classes of the networks around the current one
	for i, p := range c.list {
		for len(around) > 0 && !c.list[around[len(around)-1]-1].contains(p) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			c.parent[i+1] = around[len(around)-1]
		}
		around = append(around, uint16(i+1))
	}
	return c
}

// of returns the class of a network that rules name, 0 for length 0.
func (c *prefixClasses) of(p prefix) uint16 {
	if p.len == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(c.list, p, prefix.compare)
	return uint16(i + 1)
}

func srcPrefix(r *Rule) prefix { return prefix{r.Src & mask(r.SrcLen), r.SrcLen} }
func dstPrefix(r *Rule) prefix { return prefix{r.Dst & mask(r.DstLen), r.DstLen} }

// portClasses are the classes of the ports of one dimension: one for each
// port that rules name.
type portClasses struct {
	list []uint16 // class c is list[c-1]
}

func newPortClasses(rules []Rule, take func(*Rule) uint16) *portClasses {
	c := &portClasses{}
	for i := range rules {
		if p := take(&rules[i]); p != 0 {
			c.list = append(c.list, p)
		}
	}
	slices.Sort(c.list)
	c.list = slices.Compact(c.list)
	return c
}

// of returns the class of a port that rules name, 0 for port 0.
func (c *portClasses) of(p uint16) uint16 {
	if p == 0 {
		return 0
	}
	i, _ := slices.BinarySearch(c.list, p)
	return uint16(i + 1)
}

func srcPort(r *Rule) uint16 { return r.SrcPort }
func dstPort(r *Rule) uint16 { return r.DstPort }
