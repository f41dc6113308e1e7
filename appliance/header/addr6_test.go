// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func TestParseCIDR6(t *testing.T) {
	const top = 0x20010db8 << 32
	for s, want := range map[string]Prefix6{
		"":                {},
		"::/0":            {},
		"2001:db8::/32":   {Addr: [2]uint64{top, 0}, Len: 32},
		"2001:DB8::5":     {Addr: [2]uint64{top, 5}, Len: 128},
		"2001:db8::1/64":  {Addr: [2]uint64{top, 1}, Len: 64},
		"::ffff:0:0/96":   {Addr: [2]uint64{0, 0xffff << 32}, Len: 96},
		"::ffff:10.0.0.1": {Addr: [2]uint64{0, 0xffff0a000001}, Len: 128},
	} {
		if got, err := ParseCIDR6(s); err != nil || got != want {
			t.Errorf("%q: %x %v, want %x", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"hello":     `"hello": must be an IPv6 network (x:x::/len)`,
		"10.0.0.1":  `"10.0.0.1": must be an IPv6 network (x:x::/len)`,
		"fe80::1%1": `"fe80::1%1": must be an IPv6 network (x:x::/len)`,
		":::/8":     `":::/8": must be an IPv6 network (x:x::/len)`,
		"/8":        `"/8": must be an IPv6 network (x:x::/len)`,
		"::/129":    `"::/129": prefix length must be 0..128`,
		"::/":       `"::/": prefix length must be 0..128`,
		"::/08":     `"::/08": prefix length must be 0..128`,
		"::/8/8":    `"::/8/8": prefix length must be 0..128`,
	} {
		got, err := ParseCIDR6(s)
		if errno.Code(err) != errno.EINVAL || err.Error() != want || got != (Prefix6{}) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

func TestMaskedClearsHostBits(t *testing.T) {
	all := [2]uint64{^uint64(0), ^uint64(0)}
	for n, want := range map[uint8][2]uint64{
		0: {0, 0}, 1: {1 << 63, 0}, 63: {^uint64(1), 0}, 64: {^uint64(0), 0}, 65: {^uint64(0), 1 << 63}, 128: all,
	} {
		if got := (Prefix6{all, n}).Masked(); got.Addr != want || got.Len != n {
			t.Errorf("/%d: %x, want %x", n, got.Addr, want)
		}
	}
}
