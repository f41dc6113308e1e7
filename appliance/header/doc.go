// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package header gives protocol headers names: every header is a byte slice
// over the packet's own bytes with accessors, setters and Encode, one file per
// protocol.
//
//	frame   |dst|src|type|45 ...... src dst|sport dport ...|padding|
//	         \__________/ \________________________________/
//	           Ethernet      IPv4: cut at its total length
//	                                        \______________/
//	                          UDP or TCP: ParseUDP(ip, ip.HeaderLen())
//
// A Parse function takes the bytes and an offset, checks that the whole header
// lies inside and that its own length and version fields make sense, and
// reports whether it does; it accepts any offset and any bytes. Accessors of a
// parsed header never leave the slice. A header built by conversion instead
// (IPv4(b)) must be as long as the constant of its type says, or accessors
// panic.
//
// Numbers are in host order everywhere: addresses of IPv4 are uint32 with the
// first byte of the dotted form on top. Nothing here allocates except error
// texts and String methods, and nothing keeps state, so all of it may be used
// from any number of workers.
package header

import "encoding/binary"

// be is the byte order of every field on the wire.
var be = binary.BigEndian

// le reads and writes several fields at once, in the order of memory.
var le = binary.LittleEndian

// from returns b[off:] if at least n bytes lie there.
func from(b []byte, off, n int) ([]byte, bool) {
	if off < 0 || off > len(b)-n {
		return nil, false
	}
	return b[off:], true
}
