// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"strconv"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Prefix4 is an IPv4 network: the addresses that share their first Len bits
// with Addr. The zero value is every address.
type Prefix4 struct {
	Addr uint32 // as written; bits after Len may be set
	Len  uint8  // 0..32
}

// ParseIPv4Addr reads four decimal numbers 0..255 without leading zeros,
// separated by dots, with nothing around them. Errors carry EINVAL and quote
// the text.
func ParseIPv4Addr(s string) (uint32, error) {
	addr, ok := dotted(s)
	if !ok {
		return 0, errno.Errorf(errno.EINVAL, "%s: must be an IPv4 address (a.b.c.d)", show(s))
	}
	return addr, nil
}

// ParseCIDR4 reads a.b.c.d/len with a length of 0..32. Empty text means every
// address, an address alone means itself (spec: modules/README.md section
// 2.5). Bits after the prefix may be set; HostBits tells. Errors carry EINVAL
// and quote the text.
func ParseCIDR4(s string) (Prefix4, error) {
	if s == "" {
		return Prefix4{}, nil
	}
	text, length, slash := strings.Cut(s, "/")
	addr, ok := dotted(text)
	if !ok {
		return Prefix4{}, errno.Errorf(errno.EINVAL, "%s: must be an IPv4 network (a.b.c.d/len)", show(s))
	}
	if !slash {
		return Prefix4{Addr: addr, Len: 32}, nil
	}
	n, ok := decimal(length, 32)
	if !ok {
		return Prefix4{}, errno.Errorf(errno.EINVAL, "%s: prefix length must be 0..32", show(s))
	}
	return Prefix4{Addr: addr, Len: uint8(n)}, nil
}

// Mask4 returns the mask of a prefix of n bits; n above 32 counts as 32.
func Mask4(n uint8) uint32 { return ^uint32(0xffff_ffff >> n) }

// Mask returns the network mask.
func (p Prefix4) Mask() uint32 { return Mask4(p.Len) }

// Contains reports whether addr belongs to the network.
func (p Prefix4) Contains(addr uint32) bool { return (addr^p.Addr)&Mask4(p.Len) == 0 }

// HostBits reports whether bits after the prefix are set in Addr.
func (p Prefix4) HostBits() bool { return p.Addr&^Mask4(p.Len) != 0 }

// Masked returns the network without host bits.
func (p Prefix4) Masked() Prefix4 { return Prefix4{p.Addr & Mask4(p.Len), p.Len} }

// String returns a.b.c.d/len.
func (p Prefix4) String() string {
	return string(strconv.AppendUint(append(appendIPv4(nil, p.Addr), '/'), uint64(p.Len), 10))
}

// FormatIPv4 returns the dotted form of an address.
func FormatIPv4(addr uint32) string { return string(appendIPv4(nil, addr)) }

func appendIPv4(b []byte, addr uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		b = strconv.AppendUint(b, uint64(byte(addr>>shift)), 10)
		if shift > 0 {
			b = append(b, '.')
		}
	}
	return b
}

// dotted reads a.b.c.d and nothing else.
func dotted(s string) (addr uint32, ok bool) {
	for i := range 4 {
		end := 0
		for end < len(s) && s[end] != '.' {
			end++
		}
		v, ok := decimal(s[:end], 255)
		if !ok || (end < len(s)) != (i < 3) {
			return 0, false
		}
		addr = addr<<8 | v
		s = s[min(end+1, len(s)):]
	}
	return addr, true
}

// decimal reads 0..limit in at most three digits, without sign or leading zeros.
func decimal(s string, limit uint32) (v uint32, ok bool) {
	if len(s) == 0 || len(s) > 3 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + uint32(d)
	}
	return v, v <= limit
}

// show quotes a client's text for an error; very long texts are cut.
func show(s string) string {
	const limit = 64
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "..."
	}
	return strconv.Quote(s)
}
