// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func TestParseMAC(t *testing.T) {
	for s, want := range map[string]uint64{
		"06:16:3e:1b:72:32": 0x06163e1b7232,
		"FF:ff:Ff:fF:FF:ff": 0xffffffffffff,
		"0:1:2:a:b:C":       0x0001020a0b0c,
		"00:0:00:0:00:0":    0,
	} {
		m, err := ParseMAC(s)
		if err != nil || m.Uint64() != want {
			t.Errorf("%q: %v %v, want %012x", s, m, err, want)
		}
	}
	for _, s := range []string{
		"", "06", "06:16:3e:1b:72", "06:16:3e:1b:72:", "06:16:3e:1b:72:32:", "06:16:3e:1b:72:32:01", " 06:16:3e:1b:72:32",
		"06:16:3e:1b:72:32 ", "06-16-3e-1b-72-32", "06163e1b7232", "006:16:3e:1b:72:32", "06:16:3e:1b:72:032", "06:16:3e:1b:72:3g",
		"06::3e:1b:72:32", "+6:16:3e:1b:72:32", "06:16:3e:1b:72:32\x00", "06:16:3e:1b:72:32\n", "0x6:16:3e:1b:72:32", "06:16:3e:1b:72:32x",
	} {
		m, err := ParseMAC(s)
		if errno.Code(err) != errno.EINVAL || m != (MAC{}) {
			t.Errorf("%q: accepted as %v (%v)", s, m, err)
		}
	}
}

func TestErrorsQuoteTheText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{msg(ParseMAC("x:y")), `"x:y": must be a MAC address (aa:bb:cc:dd:ee:ff)`},
		{msg(ParseIPv4Addr("1.2.3")), `"1.2.3": must be an IPv4 address (a.b.c.d)`},
		{msg(ParseCIDR4("hello")), `"hello": must be an IPv4 network (a.b.c.d/len)`},
		{msg(ParseCIDR4("10.0.0.0/40")), `"10.0.0.0/40": prefix length must be 0..32`},
		{msg(ParseCIDR4("10.0.0.0/\n")), `"10.0.0.0/\n": prefix length must be 0..32`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
	if long := msg(ParseIPv4Addr(strings.Repeat("9", 10000))); len(long) > 200 {
		t.Errorf("an error of %d bytes", len(long))
	}
}

func msg[T any](_ T, err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func TestParseIPv4Addr(t *testing.T) {
	for s, want := range map[string]uint32{"0.0.0.0": 0, "255.255.255.255": 0xffffffff, "172.16.100.1": 0xac106401, "1.20.0.99": 0x01140063} {
		if got, err := ParseIPv4Addr(s); err != nil || got != want || FormatIPv4(got) != s {
			t.Errorf("%q: %#x %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", ".", "...", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", "1.2.3.4.5", "256.0.0.1", "1.2.3.256", "01.2.3.4", "1.2.3.00", "1.2.3.4 ",
		" 1.2.3.4", "+1.2.3.4", "1.2.3.-4", "1..3.4", "0x1.2.3.4", "1.2.3.4/32", "1.2.3.4\x00", "1.2.3.1000", "99999999999.1.1.1", "::1", "١.2.3.4",
	} {
		if got, err := ParseIPv4Addr(s); errno.Code(err) != errno.EINVAL || got != 0 {
			t.Errorf("%q: accepted as %#x", s, got)
		}
	}
}

func TestParseCIDR4(t *testing.T) {
	for s, want := range map[string]Prefix4{
		"":                {},
		"0.0.0.0/0":       {},
		"10.9.9.9":        {0x0a090909, 32},
		"172.16.0.0/12":   {0xac100000, 12},
		"22.22.22.0/16":   {0x16161600, 16},
		"1.2.3.4/32":      {0x01020304, 32},
		"255.255.0.0/9":   {0xffff0000, 9},
		"128.0.0.0/1":     {0x80000000, 1},
		"255.255.255.1/0": {0xffffff01, 0},
	} {
		if got, err := ParseCIDR4(s); err != nil || got != want {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
	for _, s := range []string{
		"/", "/8", "hello", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/40", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ",
		"10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.0/x", "10.0.0.0/4294967304", " ", "::/0",
	} {
		if got, err := ParseCIDR4(s); errno.Code(err) != errno.EINVAL || got != (Prefix4{}) {
			t.Errorf("%q: accepted as %v", s, got)
		}
	}
}

func TestPrefix4(t *testing.T) {
	p := Prefix4{0xac106401, 12}
	if !p.HostBits() || p.Masked() != (Prefix4{0xac100000, 12}) || p.Masked().HostBits() || p.Mask() != 0xfff00000 || p.String() != "172.16.100.1/12" {
		t.Errorf("%v: masked %v mask %#x", p, p.Masked(), p.Mask())
	}
	for addr, in := range map[uint32]bool{0xac100000: true, 0xac1fffff: true, 0xac200000: false, 0xac0fffff: false} {
		if p.Contains(addr) != in {
			t.Errorf("%v contains %s: %v", p, FormatIPv4(addr), !in)
		}
	}
	if !(Prefix4{}).Contains(0xffffffff) || (Prefix4{1, 32}).Contains(0) || !(Prefix4{1, 32}).Contains(1) {
		t.Error("prefixes of length 0 and 32")
	}
	for n := range 33 {
		want := uint32(uint64(0xffffffff) << (32 - n))
		if Mask4(uint8(n)) != want {
			t.Errorf("mask %d: %#x, want %#x", n, Mask4(uint8(n)), want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", "1.2.3.4/5", "06:16:3e:1b:72:32", "0:1:2:a:b:C", "1.2.3.04/32", "10.0.0.0/33"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, errW := netip.ParseAddr(s)
		addr, err := ParseIPv4Addr(s)
		if (err == nil) != (errW == nil && want.Is4()) || err == nil && want.As4() != [4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)} {
			t.Errorf("address %q: %#x %v, netip %v %v", s, addr, err, want, errW)
		}
		wantP, errP := netip.ParsePrefix(s)
		p, err := ParseCIDR4(s)
		if strings.Contains(s, "/") && (err == nil) != (errP == nil && wantP.Addr().Is4()) {
			t.Errorf("network %q: %v %v, netip %v %v", s, p, err, wantP, errP)
		}
		if err == nil && strings.Contains(s, "/") && p.String() != wantP.String() {
			t.Errorf("network %q: %v, netip %v", s, p, wantP)
		}
		if m, err := ParseMAC(s); err == nil {
			if again, err := ParseMAC(m.String()); err != nil || again != m {
				t.Errorf("%q -> %v -> %v %v", s, m, again, err)
			}
		}
	})
}
