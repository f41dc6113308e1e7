// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// maxAddrs bounds the outside addresses: each takes up to 792 kB.
const maxAddrs = 1024

// ports are a range of ports, end excluded.
type ports struct {
	begin, end uint32
	suspended  bool
}

// external is a checked outside address.
type external struct {
	addr   uint32
	ranges []ports // as given
	space  *space
}

// has reports whether a port belongs to the address.
func (e *external) has(port uint16) bool {
	for _, r := range e.ranges {
		if uint32(port) >= r.begin && uint32(port) < r.end {
			return true
		}
	}
	return false
}

// validate checks an argument and returns its addresses in ascending order.
func validate(arg *NATArg) ([]external, error) {
	given := arg.GetExtAddrs()
	if len(given) == 0 || len(given) > maxAddrs {
		return nil, errno.Errorf(errno.EINVAL, "ext_addrs: %d addresses: at least one external IP address must be given, at most %d", len(given), maxAddrs)
	}
	list := make([]external, len(given))
	for i, a := range given {
		field := fmt.Sprintf("ext_addrs[%d]", i)
		ranges, err := parseRanges(field, a)
		if err != nil {
			return nil, err
		}
		list[i].ranges = ranges
	}
	for i, a := range given {
		addr, err := header.ParseIPv4Addr(a.GetExtAddr())
		if err != nil {
			return nil, errno.Wrap(err, "ext_addrs[%d].ext_addr: invalid IP address", i)
		}
		list[i].addr = addr
	}
	// Addresses and their ranges stay together.
	slices.SortFunc(list, func(a, b external) int { return cmp.Compare(a.addr, b.addr) })
	for i := 1; i < len(list); i++ {
		if list[i].addr == list[i-1].addr {
			return nil, module.Invalid("ext_addrs", header.FormatIPv4(list[i].addr), "is given twice; put its ranges together")
		}
	}
	return list, nil
}

// parseRanges checks the ranges of an address.
func parseRanges(field string, a *NATArg_ExternalAddress) ([]ports, error) {
	if len(a.GetPortRanges()) == 0 {
		return []ports{{begin: 0, end: 65535}}, nil
	}
	var list []ports
	for i, r := range a.GetPortRanges() {
		begin, end := r.GetBegin(), r.GetEnd()
		if begin >= end || end > 65535 {
			return nil, errno.Errorf(errno.EINVAL, "%s.port_ranges[%d]: %d..%d: Port range for address %s is malformed: begin must be below end, and both at most 65535",
				field, i, begin, end, a.GetExtAddr())
		}
		for j, o := range list {
			if begin < o.end && o.begin < end {
				return nil, errno.Errorf(errno.EINVAL, "%s.port_ranges[%d]: %d..%d: Port range for address %s is malformed: overlaps port_ranges[%d]",
					field, i, begin, end, a.GetExtAddr(), j)
			}
		}
		list = append(list, ports{begin, end, r.GetSuspended()})
	}
	return list, nil
}

// config are the outside addresses as packets meet them. Immutable, but for
// the spaces.
type config struct {
	addrs []external // ascending
	arg   *NATArg    // the same as a message
	// bloom has a bit for each address; most destinations have none of them.
	bloom uint64
	slots []uint16 // hash table: index into addrs + 1
	shift uint8
}

func hashAddr(addr uint32) uint64 { return uint64(addr) * 0x9e3779b97f4a7c15 }

// newConfig builds what packets need of a checked list.
func newConfig(list []external) *config {
	c := &config{addrs: list, arg: message(list), shift: 64}
	size := 1
	for size < 2*len(list) {
		size *= 2
		c.shift--
	}
	c.slots = make([]uint16, size)
	for i := range list {
		h := hashAddr(list[i].addr)
		c.bloom |= 1 << (h >> 58)
		at := int(h >> c.shift)
		for c.slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		c.slots[at] = uint16(i + 1)
	}
	return c
}

// message returns a list in the form of the argument.
func message(list []external) *NATArg {
	arg := &NATArg{}
	for i := range list {
		a := &NATArg_ExternalAddress{ExtAddr: header.FormatIPv4(list[i].addr)}
		for _, r := range list[i].ranges {
			a.PortRanges = append(a.PortRanges, &NATArg_PortRange{Begin: r.begin, End: r.end, Suspended: r.suspended})
		}
		arg.ExtAddrs = append(arg.ExtAddrs, a)
	}
	return arg
}

// maybe reports whether an address can be one of ours.
func (c *config) maybe(addr uint32) bool { return maybe(c.bloom, addr) }

func maybe(bloom uint64, addr uint32) bool { return bloom>>(hashAddr(addr)>>58)&1 != 0 }

// find returns one of our addresses, nil if it is not.
func (c *config) find(addr uint32) *external {
	mask := len(c.slots) - 1
	for at := int(hashAddr(addr) >> c.shift); ; at = (at + 1) & mask {
		i := c.slots[at&mask]
		if i == 0 {
			return nil
		}
		if e := &c.addrs[i-1]; e.addr == addr {
			return e
		}
	}
}

// choose returns the address of an inside host, always the same one.
func (c *config) choose(src uint32) *external {
	// The first byte of the address is the first to be hashed.
	return &c.addrs[header.CRC32CUint32(0, bits.ReverseBytes32(src))%uint32(len(c.addrs))]
}

// configure puts a checked list to use: addresses that stay keep their space,
// and with it the mappings on ports that stay.
func (m *NAT) configure(list []external) error {
	old := m.conf.Load()
	var fresh []*space
	for i := range list {
		if old != nil {
			if e := old.find(list[i].addr); e != nil {
				list[i].space = e.space
				continue
			}
		}
		s, err := m.table.takeSpace()
		if err != nil {
			m.table.spare = append(m.table.spare, fresh...)
			return err
		}
		fresh = append(fresh, s)
		list[i].space = s
	}
	c := newConfig(list)
	m.conf.Store(c)
	if old == nil {
		return nil
	}
	// Whoever makes a mapping from now on sees the new list.
	m.table.removeIf(func(mp *mapping, _ key) bool {
		out := key(mp.out.Load())
		e := c.find(out.addr())
		return e == nil || !e.has(out.port())
	})
	for i := range old.addrs {
		if c.find(old.addrs[i].addr) == nil {
			m.table.spare = append(m.table.spare, old.addrs[i].space)
		}
	}
	return nil
}
