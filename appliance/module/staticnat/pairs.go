// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package staticnat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// pairs are ranges that belong together, as both directions look for them.
// Immutable.
type pairs struct{ inside, outside spans }

// span is a range of addresses with the first one it is translated to.
type span struct {
	start, last uint32 // both belong to it
	to          uint32
	pair        int // number in the argument
}

// spans do not overlap and are sorted.
type spans []span

// find returns what an address is translated to.
func (s spans) find(addr uint32) (uint32, bool) {
	r := s.search(addr)
	if r == nil {
		return 0, false
	}
	return addr - r.start + r.to, true
}

// search returns the range that an address is in, nil if there is none.
func (s spans) search(addr uint32) *span {
	lo, hi := 0, len(s)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch r := &s[mid]; {
		case addr < r.start:
			hi = mid
		case addr > r.last:
			lo = mid + 1
		default:
			return r
		}
	}
	return nil
}

// newPairs checks the pairs of an argument.
func newPairs(list []*StaticNATArg_AddressRangePair) (*pairs, error) {
	p := &pairs{}
	for i, r := range list {
		in, err := newSpan(r.GetIntRange(), "internal")
		if err != nil {
			return nil, fmt.Errorf("pairs[%d].int_range.%w", i, err)
		}
		ext, err := newSpan(r.GetExtRange(), "external")
		if err != nil {
			return nil, fmt.Errorf("pairs[%d].ext_range.%w", i, err)
		}
		if n, m := in.last-in.start, ext.last-ext.start; n != m {
			return nil, errno.Errorf(errno.EINVAL, "pairs[%d].ext_range: %v: has %d addresses, but int_range %v has %d: internal and external address ranges differ",
				i, ext, uint64(m)+1, in, uint64(n)+1)
		}
		in.to, ext.to = ext.start, in.start
		in.pair, ext.pair = i, i
		p.inside, p.outside = append(p.inside, in), append(p.outside, ext)
	}
	if err := p.inside.sort("int_range"); err != nil {
		return nil, err
	}
	return p, p.outside.sort("ext_range")
}

// newSpan checks one range.
func newSpan(r *StaticNATArg_AddressRange, kind string) (span, error) {
	start, err := header.ParseIPv4Addr(r.GetStart())
	if err != nil {
		return span{}, fmt.Errorf("start: %w", err)
	}
	last, err := header.ParseIPv4Addr(r.GetEnd())
	if err != nil {
		return span{}, fmt.Errorf("end: %w", err)
	}
	if start > last {
		return span{}, module.Invalid("start", r.GetStart(), "is behind the end %s: invalid %s IP address range", r.GetEnd(), kind)
	}
	if last == 0xffff_ffff {
		return span{}, module.Invalid("end", r.GetEnd(), "cannot map the broadcast address")
	}
	return span{start: start, last: last}, nil
}

// sort brings spans into order and refuses an address that is in two of them.
func (s spans) sort(field string) error {
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(s); i++ {
		if a, b := s[i-1], s[i]; b.start <= a.last {
			if a.pair > b.pair {
				a, b = b, a
			}
			return errno.Errorf(errno.EINVAL, "pairs[%d].%s: %v: overlaps %v of pairs[%d]", b.pair, field, b, a, a.pair)
		}
	}
	return nil
}

// String returns the first and the last address.
func (s span) String() string { return header.FormatIPv4(s.start) + "-" + header.FormatIPv4(s.last) }
