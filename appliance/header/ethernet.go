// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/hex"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// EthernetLen is the length of an Ethernet header without tags, in bytes.
const EthernetLen = 14

// EtherTypes the appliance knows (IANA, IEEE 802 numbers).
const (
	TypeIPv4          uint16 = 0x0800
	TypeARP           uint16 = 0x0806
	TypeVLAN          uint16 = 0x8100
	TypeIPv6          uint16 = 0x86dd
	TypeMPLS          uint16 = 0x8847
	TypeMPLSMulticast uint16 = 0x8848
	TypeQinQ          uint16 = 0x88a8
)

// MAC is an Ethernet address in the order of the wire.
type MAC [6]byte

// Broadcast is ff:ff:ff:ff:ff:ff.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ParseMAC reads six groups of one or two hex digits of either case,
// separated by colons, with nothing around them. Errors carry EINVAL and
// quote the text.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	pos := 0
	for i := range m {
		if i > 0 {
			if pos >= len(s) || s[pos] != ':' {
				return MAC{}, badMAC(s)
			}
			pos++
		}
		v, n := hexGroup(s[pos:])
		if n == 0 {
			return MAC{}, badMAC(s)
		}
		m[i] = v
		pos += n
	}
	if pos != len(s) {
		return MAC{}, badMAC(s)
	}
	return m, nil
}

func badMAC(s string) error {
	return errno.Errorf(errno.EINVAL, "%s: must be a MAC address (aa:bb:cc:dd:ee:ff)", show(s))
}

// hexGroup reads up to two hex digits and returns how many there were.
func hexGroup(s string) (v byte, n int) {
	for n < 2 && n < len(s) {
		d, ok := hexDigit(s[n])
		if !ok {
			break
		}
		v = v<<4 | d
		n++
	}
	return v, n
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// MACFromUint64 returns the address whose 48-bit big-endian number is the low
// part of v; it is how consecutive addresses are counted.
func MACFromUint64(v uint64) MAC {
	return MAC{byte(v >> 40), byte(v >> 32), byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
}

// Uint64 returns the address as a 48-bit big-endian number.
func (m MAC) Uint64() uint64 {
	return uint64(be.Uint16(m[0:2]))<<32 | uint64(be.Uint32(m[2:6]))
}

// IsMulticast reports whether the group bit is set; broadcast is a group too.
func (m MAC) IsMulticast() bool { return m[0]&1 != 0 }

// String returns six groups of two lower-case hex digits.
func (m MAC) String() string {
	var b [17]byte
	for i := range m {
		hex.Encode(b[3*i:3*i+2], m[i:i+1])
		if i < 5 {
			b[3*i+2] = ':'
		}
	}
	return string(b[:])
}

// Ethernet is an Ethernet II header and what follows it.
type Ethernet []byte

// EthernetFields is the content of an Ethernet header.
type EthernetFields struct {
	Dst, Src MAC
	Type     uint16
}

// ParseEthernet returns the header at the start of frame if it is complete.
func ParseEthernet(frame []byte) (Ethernet, bool) {
	return frame, len(frame) >= EthernetLen
}

// Dst returns the destination address.
func (h Ethernet) Dst() MAC { return MAC(h[0:6]) }

// Src returns the source address.
func (h Ethernet) Src() MAC { return MAC(h[6:12]) }

// Type returns the EtherType, or the length field of an 802.3 frame.
func (h Ethernet) Type() uint16 { return be.Uint16(h[12:14]) }

// SetDst writes the destination address.
func (h Ethernet) SetDst(m MAC) { copy(h[0:6], m[:]) }

// SetSrc writes the source address.
func (h Ethernet) SetSrc(m MAC) { copy(h[6:12], m[:]) }

// SetType writes the EtherType.
func (h Ethernet) SetType(t uint16) { be.PutUint16(h[12:14], t) }

// Payload returns what follows the header.
func (h Ethernet) Payload() []byte { return h[EthernetLen:] }

// SwapAddrs exchanges source and destination.
func (h Ethernet) SwapAddrs() {
	d, s := MAC(h[0:6]), MAC(h[6:12])
	copy(h[0:6], s[:])
	copy(h[6:12], d[:])
}

// Encode writes all fields; h must have EthernetLen bytes.
func (h Ethernet) Encode(f *EthernetFields) {
	_ = h[EthernetLen-1]
	copy(h[0:6], f.Dst[:])
	copy(h[6:12], f.Src[:])
	be.PutUint16(h[12:14], f.Type)
}
