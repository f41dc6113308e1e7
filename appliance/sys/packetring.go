// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// ringBlock is the memory the kernel allocates in one piece for a ring.
	ringBlock = 64 << 10
	// ringRoom is what the kernel needs in a frame of the ring besides the
	// bytes of the packet: its header, the address, the virtio header.
	ringRoom = 128
	// vnetSize is the size of struct virtio_net_hdr.
	vnetSize = 10
	// queueBytes bounds the packets that wait outside the ring because they
	// do not fit into a frame, and the ones being sent.
	queueBytes = 4 << 20
)

// VnetSize is how many bytes precede a packet received by PacketRing.Queued.
const VnetSize = vnetSize

// PacketRing receives the packets of a network interface through memory
// shared with the kernel (packet(7), TPACKET_V2).
//
// Version 2 because the kernel hands over each packet as it comes. Version 3
// hands over blocks: a bit faster at full speed, but a lone packet then waits
// for the block's timer, which is at least one tick of the kernel's clock.
//
//	frame of the ring
//	+--------+--------+----------+------------------------------+
//	| status | header | virtio   | packet, or its beginning if  |
//	| length | VLAN   | checksum | the frame is too short       |
//	+--------+--------+----------+------------------------------+
//
// The owner of a frame is told by its status, which kernel and program write
// in turns. Next, Done and Queued belong to one thread; the rest is for
// anybody.
type PacketRing struct {
	fd    int
	mem   []byte
	size  int // bytes of a frame, a power of two
	mask  int // number of frames - 1
	at    int // frame to be looked at next
	drops atomic.Uint64
}

// Frame is a packet in a ring.
type Frame struct {
	// Data is the packet, valid until Done. It is only the beginning if it
	// is shorter than Len.
	Data []byte
	// Len is the length of the packet as it came, without the VLAN tag that
	// the kernel took out.
	Len int
	// Queued says that the whole packet waits to be fetched by Queued.
	Queued bool
	// Tagged says that the kernel took the tag TPID, TCI out of the packet,
	// from behind the addresses.
	Tagged    bool
	TPID, TCI uint16
	// Partial says that a checksum has to be completed: the sum of all bytes
	// from SumFrom to the end is to be stored at SumAt, both counted without
	// tag.
	Partial        bool
	SumFrom, SumAt int
}

// OpenPacketRing receives what arrives at an interface from outside, all of
// it (promiscuously), into a ring of at least the given number of frames for
// packets of up to longest bytes. Longer ones come by Queued.
func OpenPacketRing(ifindex, frames, longest int) (*PacketRing, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	r := &PacketRing{fd: fd, size: 2048}
	for r.size < longest+ringRoom && r.size < ringBlock {
		r.size *= 2
	}
	n := ringBlock / r.size
	for n < frames {
		n *= 2
	}
	r.mask = n - 1
	if err := r.setup(ifindex, n); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// setup asks for everything before it binds the socket, so that no packet of
// another interface or another form ever comes.
func (r *PacketRing) setup(ifindex, frames int) error {
	for _, o := range []struct {
		name       string
		opt, value int
	}{
		{"version", unix.PACKET_VERSION, unix.TPACKET_V2},
		{"virtio header", unix.PACKET_VNET_HDR, 1},
		{"queue for long packets", unix.PACKET_COPY_THRESH, 1},
		{"nothing of our own", unix.PACKET_IGNORE_OUTGOING, 1},
	} {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, o.opt, o.value); err != nil {
			return fmt.Errorf("packet socket: %s: %w", o.name, err)
		}
	}
	_ = unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueBytes)
	req := unix.TpacketReq{Block_size: ringBlock, Block_nr: uint32(frames * r.size / ringBlock),
		Frame_size: uint32(r.size), Frame_nr: uint32(frames)}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("packet socket: ring of %d frames of %d bytes: %w", frames, r.size, err)
	}
	var err error
	r.mem, err = unix.Mmap(r.fd, 0, frames*r.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("packet socket: map ring: %w", err)
	}
	mreq := unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
		return fmt.Errorf("packet socket: promiscuous mode: %w", err)
	}
	if err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ALL), Ifindex: ifindex}); err != nil {
		return fmt.Errorf("packet socket: bind to interface %d: %w", ifindex, err)
	}
	return nil
}

// bigEndian16 returns the number whose bytes in memory are v in network order.
func bigEndian16(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// FD returns the descriptor that is readable while there are packets.
func (r *PacketRing) FD() int { return r.fd }

// Frames returns the number of frames, FrameSize the bytes of one.
func (r *PacketRing) Frames() int { return r.mask + 1 }

// FrameSize returns the bytes of a frame, about a hundred of which are not
// for the packet.
func (r *PacketRing) FrameSize() int { return r.size }

// Next fills in f with the oldest packet and reports whether there is one.
// The frame stays taken until Done.
func (r *PacketRing) Next(f *Frame) bool {
	h := r.frame()
	status := atomic.LoadUint32((*uint32)(unsafe.Pointer(&h[0])))
	if status&unix.TP_STATUS_USER == 0 {
		return false
	}
	f.Len = int(binary.NativeEndian.Uint32(h[4:]))
	mac := int(binary.NativeEndian.Uint16(h[12:]))
	end := mac + int(binary.NativeEndian.Uint32(h[8:]))
	if mac < vnetSize || end < mac || end > len(h) {
		mac, end = vnetSize, vnetSize // no kernel does that
	}
	f.Data = h[mac:end]
	f.Queued = status&unix.TP_STATUS_COPY != 0
	f.Tagged = status&unix.TP_STATUS_VLAN_VALID != 0
	if f.Tagged {
		f.TCI = binary.NativeEndian.Uint16(h[24:])
		f.TPID = unix.ETH_P_8021Q
		if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			f.TPID = binary.NativeEndian.Uint16(h[26:])
		}
	}
	v := h[mac-vnetSize:]
	f.Partial = v[0]&1 != 0 // VIRTIO_NET_HDR_F_NEEDS_CSUM
	if f.Partial {
		f.SumFrom = int(binary.NativeEndian.Uint16(v[6:]))
		f.SumAt = f.SumFrom + int(binary.NativeEndian.Uint16(v[8:]))
	}
	return true
}

// Done gives the frame of the last Next back to the kernel.
func (r *PacketRing) Done() {
	h := r.frame()
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&h[0])), unix.TP_STATUS_KERNEL)
	r.at = (r.at + 1) & r.mask
}

// frame returns the memory of the frame to be looked at next.
func (r *PacketRing) frame() []byte {
	i := (r.at & r.mask) * r.size
	return r.mem[i : i+r.size : i+r.size]
}

// Queued fetches the packet of a frame with that mark into the one message of
// m, whose first VnetSize bytes are not part of the packet, and returns the
// packet's length.
func (r *PacketRing) Queued(m *Messages) (int, bool) {
	n, err := m.Recv(r.fd)
	if err != 0 || n == 0 {
		return 0, false
	}
	return m.Len(0) - vnetSize, true
}

// Drops returns how many packets the kernel had to drop because the ring was
// full.
func (r *PacketRing) Drops() uint64 {
	// Reading makes the kernel start at 0 again.
	if s, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.drops.Add(uint64(s.Drops))
	}
	return r.drops.Load()
}

// TakeError returns what befell the socket since the last call, such as
// ENETDOWN when the interface went down or away; 0 if nothing did. As long as
// nobody asks, FD counts as readable.
func (r *PacketRing) TakeError() syscall.Errno {
	e, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return 0
	}
	return syscall.Errno(e)
}

// Close ends the reception. No thread may use the ring any more.
func (r *PacketRing) Close() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
	}
	r.mem = nil
	_ = unix.Close(r.fd)
}
