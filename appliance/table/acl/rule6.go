// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Rule6 is one line of an access list for IPv6. All its conditions must hold.
// Addresses are two words, the first one holding the first eight bytes.
type Rule6 struct {
	// Src and Dst are networks: the first SrcLen and DstLen bits count, 0..128.
	Src, Dst       [2]uint64
	SrcLen, DstLen uint8
	// SrcPort and DstPort are exact; 0 matches every packet, also one that has
	// no ports. A rule with a port never matches a packet without.
	SrcPort, DstPort uint16
	// Established restricts the rule to keys with the bit Established.
	Established bool
}

// Key6 is what an IPv6 packet is judged by: source and destination address,
// two words each, and a word like Key.Ports, in which Established may be set.
type Key6 [5]uint64

// Established is the bit of a key's last word that says the packet belongs to
// a connection already opened.
const Established = 1 << 33

// ternary6 is a rule as value and mask of a key.
type ternary6 struct{ value, mask Key6 }

// makeTernary6 compiles a rule. A port condition also demands HasPorts.
func makeTernary6(r *Rule6) (t ternary6) {
	t.mask[0], t.mask[1] = mask6(r.SrcLen)
	t.mask[2], t.mask[3] = mask6(r.DstLen)
	if r.SrcPort != 0 {
		t.mask[4] |= HasPorts | 0xffff<<16
	}
	if r.DstPort != 0 {
		t.mask[4] |= HasPorts | 0xffff
	}
	if r.Established {
		t.mask[4] |= Established
	}
	t.value = Key6{r.Src[0], r.Src[1], r.Dst[0], r.Dst[1],
		Established | HasPorts | uint64(r.SrcPort)<<16 | uint64(r.DstPort)}
	t.value.and(&t.mask)
	return t
}

// matches reports whether all conditions hold.
func (t *ternary6) matches(k *Key6) bool {
	v, m := &t.value, &t.mask
	return (k[0]&m[0]^v[0])|(k[1]&m[1]^v[1])|(k[2]&m[2]^v[2])|(k[3]&m[3]^v[3])|(k[4]&m[4]^v[4]) == 0
}

// and clears the bits of k that are not in m.
func (k *Key6) and(m *Key6) {
	for i := range k {
		k[i] &= m[i]
	}
}

// mask6 returns the network mask of a prefix length, 0..128.
func mask6(n uint8) (hi, lo uint64) {
	if n <= 64 {
		return ^(^uint64(0) >> n), 0
	}
	return ^uint64(0), ^(^uint64(0) >> (n - 64))
}

func checkRules6(rules []Rule6) error {
	if len(rules) > MaxRules {
		return errno.Errorf(errno.E2BIG, "%d rules: at most %d fit", len(rules), MaxRules)
	}
	for i := range rules {
		if n := rules[i].SrcLen; n > 128 {
			return errno.Errorf(errno.EINVAL, "rules[%d]: source prefix length %d: must be 0..128", i, n)
		}
		if n := rules[i].DstLen; n > 128 {
			return errno.Errorf(errno.EINVAL, "rules[%d]: destination prefix length %d: must be 0..128", i, n)
		}
	}
	return nil
}

// slotsFor returns how many slots, a power of two, n keys are spread over.
func slotsFor(n int) int { return 1 << bits.Len(uint(2*n-1)) }
