// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// headRoom is the most bytes of headers that a piece may begin with.
const headRoom = 256

// cutter cuts a frame that a local sender left to be cut by the hardware into
// the packets that the hardware would have sent, a few at a time.
//
//	frame  | headers | payload ...................................|
//	piece  | headers | payload | of the same headers with lengths, sequence
//	piece  | headers | payload | numbers, flags and checksums of their own
type cutter struct {
	layout
	head      [headRoom]byte
	headLen   int
	data      []byte // payload not sent yet
	size      int    // payload of a piece
	done      int    // bytes of payload sent
	pieces    int    // number of pieces sent
	addresses uint64 // sum of the pseudo header without length
}

// busy reports whether there are pieces left.
func (k *cutter) busy() bool { return len(k.data) > 0 }

// start begins to cut the frame f, whose bytes, without the tag, are data,
// valid until the last piece. It reports false for frames that it does not
// know how to cut.
func (k *cutter) start(data []byte, f *sys.Frame) bool {
	k.data = nil
	if !k.find(data, len(data)) || !k.fits(f.Kind) || k.l4 != f.SumFrom || f.Cut == 0 {
		return false
	}
	shift := 0
	if f.Tagged {
		shift = tagSize
	}
	if k.payload+shift > headRoom || k.payload == k.end {
		return false
	}
	copy(k.head[:], data[:tagAt])
	if f.Tagged {
		putTag(k.head[:], f)
	}
	copy(k.head[tagAt+shift:], data[tagAt:k.payload])
	k.data = data[k.payload:k.end]
	k.l3, k.l4, k.sumAt, k.headLen = k.l3+shift, k.l4+shift, k.sumAt+shift, k.payload+shift
	k.size, k.done, k.pieces = f.Cut, 0, 0
	k.addresses = k.layout.addresses(k.head[:])
	return true
}

// left returns the number of pieces not sent yet.
func (k *cutter) left() int { return (len(k.data) + k.size - 1) / max(k.size, 1) }

// next returns the next piece, 0 if there is no buffer.
func (k *cutter) next(c *packet.Cache) packet.Packet {
	n := min(k.size, len(k.data))
	p := c.AllocTotal(k.headLen + n)
	if p == 0 {
		return 0
	}
	b := p.Bytes()
	copy(b, k.head[:k.headLen])
	at := copy(b[k.headLen:], k.data[:n])
	for s := p.Next(); s != 0; s = s.Next() {
		at += copy(s.Bytes(), k.data[at:n])
	}
	k.number(b, n)
	k.putPseudo(b, k.addresses, k.headLen-k.l4+n)
	Complete(p, k.l4, k.sumAt)
	k.data, k.done, k.pieces = k.data[n:], k.done+n, k.pieces+1
	return p
}

// number gives the headers in b the values of a piece with n bytes of payload.
func (k *cutter) number(b []byte, n int) {
	length := k.headLen + n
	if k.v6 {
		binary.BigEndian.PutUint16(b[k.l3+4:], uint16(length-k.l3-40))
	} else {
		ip := b[k.l3:k.l4]
		binary.BigEndian.PutUint16(ip[2:], uint16(length-k.l3))
		binary.BigEndian.PutUint16(ip[4:], binary.BigEndian.Uint16(ip[4:])+uint16(k.pieces))
		ip[10], ip[11] = 0, 0
		binary.LittleEndian.PutUint16(ip[10:], ^sum(ip))
	}
	l4 := b[k.l4:]
	if k.proto == protoUDP {
		binary.BigEndian.PutUint16(l4[4:], uint16(8+n))
		return
	}
	const finPush, reduced = 0x09, 0x80
	binary.BigEndian.PutUint32(l4[4:], binary.BigEndian.Uint32(l4[4:])+uint32(k.done))
	if n < len(k.data) {
		l4[13] &^= finPush // what ends the whole is in the last piece
	}
	if k.pieces > 0 {
		l4[13] &^= reduced // the window was reduced once
	}
}
