// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// blockSize is the size of a block: a packet of any length fits.
	blockSize = 256 << 10
	// blockTimer is how long a block may wait to be full, in milliseconds.
	blockTimer = 1
	// blockPacket is what a packet of usual length takes, for the number of
	// blocks.
	blockPacket = 2048
)

// block is the block of a PacketRing that is being read.
type block struct {
	left int // packets not taken yet
	at   int // where the next of them begins
}

// shapeBlocks gives the ring as many blocks as hold that many frames.
func (r *PacketRing) shapeBlocks(frames int) {
	r.block = &block{}
	r.size, r.piece, r.each = blockSize, blockSize, 1
	r.n = max(4, (frames*blockPacket+blockSize-1)/blockSize)
}

func (r *PacketRing) allocateBlocks() error {
	return unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{Block_size: blockSize,
		Block_nr: uint32(r.n), Frame_size: blockPacket, Frame_nr: uint32(r.n * blockSize / blockPacket), Retire_blk_tov: blockTimer})
}

// nextInBlock is Next for a ring of blocks.
func (r *PacketRing) nextInBlock(f *Frame) bool {
	b := r.unit()
	for r.block.left == 0 {
		// struct tpacket_block_desc: status, number of packets, offset of the
		// first one.
		if atomic.LoadUint32((*uint32)(unsafe.Pointer(&b[8])))&unix.TP_STATUS_USER == 0 {
			return false
		}
		r.block.left = int(binary.NativeEndian.Uint32(b[12:]))
		r.block.at = int(binary.NativeEndian.Uint32(b[16:]))
		if r.block.left == 0 { // the timer ran out in vain
			r.release(b)
			b = r.unit()
		}
	}
	if r.block.at < 0 || r.block.at > len(b)-int(unix.SizeofTpacket3Hdr) {
		r.block.at = len(b) - int(unix.SizeofTpacket3Hdr) // no kernel does that
	}
	h := b[r.block.at:]
	status := binary.NativeEndian.Uint32(h[20:])
	f.set(h, status, int(binary.NativeEndian.Uint32(h[16:])), int(binary.NativeEndian.Uint16(h[24:])), int(binary.NativeEndian.Uint32(h[12:])))
	if f.Tagged {
		f.setTag(status, uint16(binary.NativeEndian.Uint32(h[32:])), binary.NativeEndian.Uint16(h[36:]))
	}
	return true
}

// doneInBlock is Done for a ring of blocks.
func (r *PacketRing) doneInBlock() {
	b := r.unit()
	r.block.at += int(binary.NativeEndian.Uint32(b[r.block.at:]))
	if r.block.left--; r.block.left == 0 {
		r.release(b)
	}
}

// release gives a block back to the kernel.
func (r *PacketRing) release(b []byte) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b[8])), unix.TP_STATUS_KERNEL)
	r.advance(&r.now)
}
