// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"net/netip"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Prefix6 is an IPv6 network: the addresses that share their first Len bits
// with Addr. The zero value is every address.
type Prefix6 struct {
	Addr [2]uint64 // as written, first eight bytes first; bits after Len may be set
	Len  uint8     // 0..128
}

// IsIPv6 reports whether text is meant to be an IPv6 address or network.
func IsIPv6(s string) bool { return strings.Contains(s, ":") }

// ParseCIDR6 reads an IPv6 address (RFC 4291 section 2.2) without zone,
// followed by /len with a length of 0..128. Empty text means every address, an
// address alone means itself. Bits after the prefix may be set. Errors carry
// EINVAL and quote the text.
func ParseCIDR6(s string) (Prefix6, error) {
	if s == "" {
		return Prefix6{}, nil
	}
	text, length, slash := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return Prefix6{}, errno.Errorf(errno.EINVAL, "%s: must be an IPv6 network (x:x::/len)", show(s))
	}
	n := uint32(128)
	if slash {
		var ok bool
		if n, ok = decimal(length, 128); !ok {
			return Prefix6{}, errno.Errorf(errno.EINVAL, "%s: prefix length must be 0..128", show(s))
		}
	}
	b := addr.As16()
	return Prefix6{Addr: [2]uint64{be.Uint64(b[:8]), be.Uint64(b[8:])}, Len: uint8(n)}, nil
}

// Masked returns the network without host bits.
func (p Prefix6) Masked() Prefix6 {
	hi, lo := Mask6(p.Len)
	return Prefix6{[2]uint64{p.Addr[0] & hi, p.Addr[1] & lo}, p.Len}
}

// Mask6 returns the mask of a prefix of n bits; n above 128 counts as 128.
func Mask6(n uint8) (hi, lo uint64) {
	if n <= 64 {
		return ^(^uint64(0) >> n), 0
	}
	return ^uint64(0), ^(^uint64(0) >> (n - 64))
}
