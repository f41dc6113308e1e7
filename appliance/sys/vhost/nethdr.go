// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// netHeader precedes every frame in its buffer (Virtio 1.1, section 5.1.6):
// flags 8, segmentation 8, lengths 16, 16, checksum start 16, checksum offset
// 16, buffers 16. The last is only there for rings that have it.
const (
	netHeader    = 12
	legacyHeader = 10
	needsCsum    = 1 // a flag: the checksum is partial
)

// headerLen returns the bytes of the header under the features agreed on.
func headerLen(features uint64) int {
	if features&(featVersion1|featMergeable) != 0 {
		return netHeader
	}
	return legacyHeader
}

// finish completes the checksum of a packet that came with the header h.
// Later would be too late: modules may have moved the headers by then.
func finish(p packet.Packet, h *[netHeader]byte) {
	if h[0]&needsCsum != 0 {
		from := int(binary.LittleEndian.Uint16(h[6:]))
		pktio.Complete(p, from, from+int(binary.LittleEndian.Uint16(h[8:])))
	}
}

// describe fills in the header of a packet that takes so many buffers. A
// partial checksum is carried if the other side completes it, else completed
// here.
func describe(h *[netHeader]byte, p packet.Packet, buffers int, carry bool) {
	*h = [netHeader]byte{}
	binary.LittleEndian.PutUint16(h[10:], uint16(buffers))
	flags := p.Flags()
	if flags&packet.FlagPartialChecksum == 0 {
		return
	}
	from, at := p.ChecksumPlace()
	if carry && from <= at && at+2 <= p.TotalLen() {
		h[0] = needsCsum
		binary.LittleEndian.PutUint16(h[6:], uint16(from))
		binary.LittleEndian.PutUint16(h[8:], uint16(at-from))
		return
	}
	pktio.Complete(p, from, at)
	p.SetFlags(flags &^ packet.FlagPartialChecksum)
}
