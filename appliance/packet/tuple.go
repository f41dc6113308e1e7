// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "encoding/binary"

// TuplePorts is the bit of a tuple's Ports that says there are ports.
const TuplePorts = 1 << 32

// tuple is what ReadTuples makes.
type tuple = struct{ Addrs, Ports uint64 }

// tupleLen is how much of a packet ReadTuples looks at: up to the ports.
const tupleLen = 14 + 20 + 4

// ReadTuples reads addresses and ports of up to BatchSize packets, if they are
// all of the usual kind: untagged IPv4 without options that is no later
// fragment, at least four bytes of payload, and all of them within the packet. If
// not it returns false, and out is of no use.
//
// Addrs is the source address above the destination address. Ports is the
// source port above the destination port, and TuplePorts, for TCP, UDP and
// SCTP; else 0.
func ReadTuples[T ~struct{ Addrs, Ports uint64 }](ps []Packet, out *[BatchSize]T) bool {
	return readTuples(ps, tuples(out))
}

// plainIPv4 is bytes 12 to 14 of an untagged frame with IPv4 without options,
// the first one at the bottom.
const plainIPv4 = 0x450008

// portMask is what is left of Ports, by protocol: TCP, UDP, SCTP.
var portMask = [256]uint64{6: TuplePorts | 0xffff_ffff, 17: TuplePorts | 0xffff_ffff, 132: TuplePorts | 0xffff_ffff}

// readTuplesPortable is ReadTuples for any processor. Nothing in it depends on
// what a packet is, so that the packets do not wait for each other.
func readTuplesPortable(ps []Packet, out []tuple) bool {
	be, le := binary.BigEndian, binary.LittleEndian
	var odd, short uint64
	for i, p := range ps {
		d := p.Front(tupleLen)
		if d == nil {
			return false
		}
		first, second := le.Uint64(d[12:20]), le.Uint32(d[20:24])
		total := first>>24&0xff00 | first>>40&0xff
		odd |= (first&0xffffff ^ plainIPv4) | uint64(second&0xff1f)
		short |= (total - 24) | (uint64(p.TotalLen()) - 14 - total)
		ports := TuplePorts | uint64(be.Uint32(d[34:38]))
		out[i] = tuple{Addrs: be.Uint64(d[26:34]), Ports: ports & portMask[second>>24]}
	}
	return odd == 0 && short>>63 == 0
}
