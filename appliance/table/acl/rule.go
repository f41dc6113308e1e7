// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// MaxRules is the most rules a table holds.
const MaxRules = 1<<20 - 1

// Rule is one line of an access list. All its conditions must hold. Addresses
// are in host order (1.2.3.4 is 0x01020304).
type Rule struct {
	// Src and Dst are networks: the first SrcLen and DstLen bits count, 0..32.
	Src, Dst       uint32
	SrcLen, DstLen uint8
	// SrcPort and DstPort are exact; 0 matches every packet, also one that has
	// no ports. A rule with a port never matches a packet without.
	SrcPort, DstPort uint16
}

// The dimensions of a rule. A rule's shape is the set of those in which it
// does not match everything, as a bit mask.
const (
	dimSrc = iota
	dimDst
	dimSrcPort
	dimDstPort
	dims
)

func (r *Rule) shape() int {
	s := 0
	if r.SrcLen != 0 {
		s |= 1 << dimSrc
	}
	if r.DstLen != 0 {
		s |= 1 << dimDst
	}
	if r.SrcPort != 0 {
		s |= 1 << dimSrcPort
	}
	if r.DstPort != 0 {
		s |= 1 << dimDstPort
	}
	return s
}

func checkRules(rules []Rule) error {
	if len(rules) > MaxRules {
		return errno.Errorf(errno.E2BIG, "%d rules: at most %d fit", len(rules), MaxRules)
	}
	for i := range rules {
		if n := rules[i].SrcLen; n > 32 {
			return errno.Errorf(errno.EINVAL, "rules[%d]: source prefix length %d: must be 0..32", i, n)
		}
		if n := rules[i].DstLen; n > 32 {
			return errno.Errorf(errno.EINVAL, "rules[%d]: destination prefix length %d: must be 0..32", i, n)
		}
	}
	return nil
}

// Key is what a packet is judged by, packed into two words so that a batch of
// keys is cheap to build and to compare.
type Key struct {
	// Addrs is the source address above the destination address: the eight
	// bytes of both in an IPv4 header, read big-endian.
	Addrs uint64
	// Ports is the source port above the destination port in the low 32 bits
	// (the first four bytes of a TCP or UDP header, read big-endian) with
	// HasPorts added, or 0 for a packet that has none.
	Ports uint64
}

// HasPorts is the bit of Key.Ports that says the packet has ports.
const HasPorts = 1 << 32

// MakeKey packs a key. The ports are ignored unless hasPorts.
func MakeKey(src, dst uint32, sport, dport uint16, hasPorts bool) Key {
	k := Key{Addrs: uint64(src)<<32 | uint64(dst)}
	if hasPorts {
		k.Ports = HasPorts | uint64(sport)<<16 | uint64(dport)
	}
	return k
}

// mask returns the network mask of a prefix length, 0..32.
func mask(n uint8) uint32 { return ^uint32(0xffff_ffff >> n) }
