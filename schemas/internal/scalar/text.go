// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseIPv4 reads four decimal numbers with dots, nothing around them.
func ParseIPv4(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return netip.Addr{}, errors.New("must be an IPv4 address (a.b.c.d)")
	}
	return a, nil
}

// ParseIPv6 reads an IPv6 address without a zone. IPv4-mapped ones
// (::ffff:1.2.3.4) are addresses of the other family and refused.
func ParseIPv6(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return netip.Addr{}, errors.New("must be an IPv6 address")
	}
	if a.Is4In6() {
		return netip.Addr{}, errors.New("must be an IPv6 address, not an IPv4-mapped one")
	}
	return a, nil
}

// ParseCIDR4 reads a.b.c.d/len; a bare address means /32. Host bits may be
// set.
func ParseCIDR4(s string) (netip.Prefix, error) {
	text, length, slash := strings.Cut(s, "/")
	addr, err := ParseIPv4(text)
	if err != nil {
		return netip.Prefix{}, errors.New("must be an IPv4 network (a.b.c.d/len)")
	}
	bits := 32
	if slash {
		bits, err = strconv.Atoi(length)
		if err != nil || bits < 0 || bits > 32 || strconv.Itoa(bits) != length {
			return netip.Prefix{}, errors.New("prefix length must be 0..32")
		}
	}
	return netip.PrefixFrom(addr, bits), nil
}

// ParseCIDR reads an IPv4 network as ParseCIDR4 does, or an IPv6 one: an
// address without a zone and /len; a bare address means /128. Host bits may be
// set.
func ParseCIDR(s string) (netip.Prefix, error) {
	text, length, slash := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, errors.New("must be an IPv4 or IPv6 network (a.b.c.d/len or x:x::/len)")
	}
	bits := addr.BitLen()
	if slash {
		most := bits
		bits, err = strconv.Atoi(length)
		if err != nil || bits < 0 || bits > most || strconv.Itoa(bits) != length {
			return netip.Prefix{}, fmt.Errorf("prefix length must be 0..%d", most)
		}
	}
	return netip.PrefixFrom(addr, bits), nil
}

// ParseMAC reads six groups of one or two hex digits with colons.
func ParseMAC(s string) ([6]byte, error) {
	var mac [6]byte
	rest := s
	for i := range mac {
		group, tail, more := strings.Cut(rest, ":")
		v, err := strconv.ParseUint(group, 16, 8)
		if err != nil || len(group) > 2 || more != (i < 5) {
			return mac, errors.New("must be a MAC address (aa:bb:cc:dd:ee:ff)")
		}
		mac[i], rest = byte(v), tail
	}
	return mac, nil
}

// ParseHex reads hex digits, with or without "0x" in front. Between whole
// bytes blanks, line ends and colons may stand. Empty text is no bytes.
func ParseHex(s string) ([]byte, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "0x")
	out := make([]byte, 0, len(s)/2)
	for _, group := range strings.FieldsFunc(s, isSeparator) {
		if len(group)%2 != 0 {
			return nil, fmt.Errorf("odd number of hex digits in %s", Show(group))
		}
		var err error
		if out, err = hex.AppendDecode(out, []byte(group)); err != nil {
			return nil, errors.New("must be hex digits")
		}
	}
	return out, nil
}

func isSeparator(r rune) bool {
	return r == ':' || r == ' ' || r == '\n' || r == '\t' || r == '\r'
}
