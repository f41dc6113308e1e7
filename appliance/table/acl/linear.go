// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

// ternary is a rule as two pairs of value and mask over the words of a Key: 32
// bytes, two to a cache line, compared without a branch.
type ternary struct {
	addrs, addrsMask uint64
	ports, portsMask uint64
}

// makeTernary compiles a rule. A port condition also demands HasPorts.
func makeTernary(r *Rule) ternary {
	t := ternary{addrsMask: uint64(mask(r.SrcLen))<<32 | uint64(mask(r.DstLen))}
	t.addrs = (uint64(r.Src)<<32 | uint64(r.Dst)) & t.addrsMask
	if r.SrcPort != 0 {
		t.ports |= HasPorts | uint64(r.SrcPort)<<16
		t.portsMask |= HasPorts | 0xffff<<16
	}
	if r.DstPort != 0 {
		t.ports |= HasPorts | uint64(r.DstPort)
		t.portsMask |= HasPorts | 0xffff
	}
	return t
}

// matches reports whether all conditions hold.
func (t *ternary) matches(k Key) bool {
	return (k.Addrs&t.addrsMask^t.addrs)|(k.Ports&t.portsMask^t.ports) == 0
}

// linear is a short list, scanned from the top.
type linear []ternary

func makeLinear(rules []Rule) linear {
	l := make(linear, len(rules))
	for i := range rules {
		l[i] = makeTernary(&rules[i])
	}
	return l
}

func (l linear) lookup(k Key) int32 {
	for i := range l {
		if l[i].matches(k) {
			return int32(i)
		}
	}
	return -1
}

func (l linear) lookupBatch(keys []Key, out []int32) {
	out = out[:len(keys)]
	for i, k := range keys {
		r := int32(-1)
		for j := range l {
			if l[j].matches(k) {
				r = int32(j)
				break
			}
		}
		out[i] = r
	}
}

// MaxSets is the longest list that LookupSets answers for.
const MaxSets = linearMax

// HasSets reports whether the list is short enough for LookupSets.
func (t *Table) HasSets() bool { return t.linear != nil }

// LookupSets finds the first rules that match the first n of keys, all
// together: bit i of sets[r] becomes 1 if that of keys[i] is rule r.
func (t *Table) LookupSets(keys *[64]Key, n int, sets *[MaxSets]uint64) {
	left := ^uint64(0) >> ((64 - n) & 63)
	for i := range t.linear {
		if i >= MaxSets || left == 0 {
			return
		}
		set := t.linear[i].matchSet(keys) & left
		sets[i] = set
		left &^= set
	}
}

// matchSetPortable returns which of keys match, in bits.
func (t *ternary) matchSetPortable(keys *[64]Key) (set uint64) {
	for _, k := range keys {
		d := (k.Addrs&t.addrsMask ^ t.addrs) | (k.Ports&t.portsMask ^ t.ports)
		set = set>>1 | ^(d|-d)&(1<<63) // the highest bit of d|-d tells d from 0
	}
	return set
}
