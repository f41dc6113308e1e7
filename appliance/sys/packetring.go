// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"encoding/binary"
	"errors"
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
	// ringAhead is how many frames ahead of the one looked at one is asked for:
	// about as many as are worked off in the time that takes.
	ringAhead = 8
	cacheLine = 64
	// vnetSize is the size of struct virtio_net_hdr.
	vnetSize = 10
	// queueBytes bounds the packets that wait outside the ring because they
	// do not fit into a frame, and the ones being sent.
	queueBytes = 4 << 20
)

// The parts of struct virtio_net_hdr that matter (VIRTIO 1.2, 5.1.6).
const (
	vnetNeedsSum = 1
	vnetECN      = 0x80
)

// Offload is what a packet that is several in one has to be cut into: the
// types of segmentation of VIRTIO.
type Offload uint8

// The kinds the kernel tells of. 0 is an ordinary packet.
const (
	OffloadTCP4 Offload = 1
	OffloadTCP6 Offload = 4
	OffloadUDP  Offload = 5
)

// VnetSize is how many bytes precede a packet received by PacketRing.Queued.
const VnetSize = vnetSize

// RingOptions say how a PacketRing is to be.
type RingOptions struct {
	// Index is the interface's.
	Index int
	// Frames is how many packets of up to Longest bytes the ring holds at
	// least, rounded up to whole pieces of 64 kB. Longer ones come by Queued,
	// or in Blocks as they are.
	Frames, Longest int
	// Memory bounds the memory of the frames, in bytes (0: it does not): they
	// are shorter then, but hold packets of Shortest bytes at least.
	Memory, Shortest int
	// Blocks makes the kernel hand over packets in blocks: less work for each
	// packet, but a lone one waits for the block's timer.
	Blocks bool
}

// PacketRing receives the packets of a network interface through memory
// shared with the kernel (packet(7)), in one of two forms.
//
// Frames (TPACKET_V2): the kernel hands over each packet as it comes.
//
//	+--------+--------+----------+------------------------------+
//	| status | header | virtio   | packet, or its beginning if  |
//	| length | VLAN   | checksum | the frame is too short       |
//	+--------+--------+----------+------------------------------+
//
// Blocks (TPACKET_V3): the kernel packs packets of any length into a block and
// hands it over when it is full or a timer of a millisecond, or a tick of the
// kernel's clock, has run out. Forwarding takes about a quarter less processor
// time then, over veth (pktio.BenchmarkForward, which waits for packets to
// gather), but a lone packet is late: so frames are the default.
//
//	+--------+---------+--------+--------+-----+--------+--------+-------+
//	| status | packets | header | packet | pad | header | packet | ...   |
//	+--------+---------+--------+--------+-----+--------+--------+-------+
//
// The owner of a frame or block is told by its status, which kernel and
// program write in turns. Next, Done and Queued belong to one thread; the rest
// is for anybody.
type PacketRing struct {
	fd    int
	mem   []byte
	size  int // bytes of a frame or block
	n     int // number of them
	each  int // how many there are in a piece of the kernel's memory
	piece int // bytes of such a piece
	now   place
	ahead place // the frame that is asked for now, to be there when it is looked at
	drops atomic.Uint64
	block *block // nil for frames
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
	// Kind says that the packet is several of a flow in one, to be cut into
	// pieces with Cut bytes of payload each. Then Partial is set, too.
	Kind Offload
	Cut  int
}

// OpenPacketRing receives what arrives at an interface from outside, all of
// it (promiscuously).
func OpenPacketRing(o RingOptions) (*PacketRing, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", rawSocketError(err))
	}
	r := &PacketRing{fd: fd}
	if o.Blocks {
		r.shapeBlocks(o.Frames)
	} else {
		r.shapeFrames(&o)
	}
	if err := r.setup(o.Index); err != nil {
		r.Close()
		return nil, err
	}
	r.now.left, r.ahead.left = r.each, r.each
	for range ringAhead {
		r.advance(&r.ahead)
	}
	return r, nil
}

// shapeFrames gives the ring at least as many frames as are asked for. An odd
// number of cache lines to a frame spreads the frames' beginnings, all that short
// packets need, over the whole cache: frames of 2048 bytes would share a
// thirty-second of it.
func (r *PacketRing) shapeFrames(o *RingOptions) {
	lines := func(longest int) int { return (longest+ringRoom+cacheLine-1)/cacheLine | 1 }
	n := lines(o.Longest)
	if o.Memory > 0 {
		pieces := max(o.Memory/ringBlock, 1)
		each := max((o.Frames+pieces-1)/pieces, 1)
		n = min(n, max((ringBlock/each/cacheLine-1)/2*2+1, lines(o.Shortest)))
	}
	r.size = min(n*cacheLine, ringBlock)
	r.piece = ringBlock
	r.each = ringBlock / r.size
	r.n = max((o.Frames+r.each-1)/r.each, 1) * r.each
}

// Longest returns how long the packets may be that the ring holds. Longer ones
// are fetched by Queued.
func (r *PacketRing) Longest() int {
	if r.block != nil {
		return r.size
	}
	return r.size - ringRoom
}

// rawSocketError adds what is missing.
func rawSocketError(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: needs the capability CAP_NET_RAW", err)
	}
	return err
}

// setup asks for everything before it binds the socket, so that no packet of
// another interface or another form ever comes.
func (r *PacketRing) setup(ifindex int) error {
	version := unix.TPACKET_V2
	if r.block != nil {
		version = unix.TPACKET_V3
	}
	for _, o := range []struct {
		name       string
		opt, value int
	}{
		{"version", unix.PACKET_VERSION, version},
		{"virtio header", unix.PACKET_VNET_HDR, 1},
		{"queue for long packets", unix.PACKET_COPY_THRESH, 1},
		{"nothing of our own", unix.PACKET_IGNORE_OUTGOING, 1},
	} {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, o.opt, o.value); err != nil {
			return fmt.Errorf("packet socket: %s: %w", o.name, err)
		}
	}
	_ = unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueBytes)
	if err := r.allocate(); err != nil {
		return err
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

// allocate makes the kernel provide the memory and maps it.
func (r *PacketRing) allocate() (err error) {
	if r.block != nil {
		err = r.allocateBlocks()
	} else {
		err = unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq{Block_size: ringBlock,
			Block_nr: uint32(r.n / r.each), Frame_size: uint32(r.size), Frame_nr: uint32(r.n)})
	}
	if err != nil {
		return fmt.Errorf("packet socket: ring of %d times %d bytes: %w", r.n, r.size, err)
	}
	if r.mem, err = unix.Mmap(r.fd, 0, r.n/r.each*r.piece, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("packet socket: map ring: %w", err)
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

// Shape describes the ring's memory.
func (r *PacketRing) Shape() string {
	if r.block != nil {
		return fmt.Sprintf("%d blocks of %d bytes", r.n, r.size)
	}
	return fmt.Sprintf("%d frames of %d bytes", r.n, r.size)
}

// Next fills in f with the oldest packet and reports whether there is one. It
// stays the oldest until Done.
func (r *PacketRing) Next(f *Frame) bool {
	if r.block != nil {
		return r.nextInBlock(f)
	}
	h := r.unit()
	status := atomic.LoadUint32((*uint32)(unsafe.Pointer(&h[0])))
	if status&unix.TP_STATUS_USER == 0 {
		return false
	}
	f.set(h, status, int(binary.NativeEndian.Uint32(h[4:])), int(binary.NativeEndian.Uint16(h[12:])), int(binary.NativeEndian.Uint32(h[8:])))
	if f.Tagged {
		f.setTag(status, binary.NativeEndian.Uint16(h[24:]), binary.NativeEndian.Uint16(h[26:]))
	}
	return true
}

// set fills in f with the packet whose header is at the beginning of h: total
// bytes long, have of which begin at mac, behind a virtio header.
func (f *Frame) set(h []byte, status uint32, total, mac, have int) {
	end := mac + have
	if mac < vnetSize || end < mac || end > len(h) {
		mac, end = vnetSize, vnetSize // no kernel does that
	}
	f.Len = total
	f.Data = h[mac:end]
	f.Queued = status&unix.TP_STATUS_COPY != 0
	f.Tagged = status&unix.TP_STATUS_VLAN_VALID != 0
	v := h[mac-vnetSize:]
	f.Partial = v[0]&vnetNeedsSum != 0
	if f.Partial {
		f.SumFrom = int(binary.NativeEndian.Uint16(v[6:]))
		f.SumAt = f.SumFrom + int(binary.NativeEndian.Uint16(v[8:]))
	}
	f.Cut = int(binary.NativeEndian.Uint16(v[4:]))
	f.Kind = Offload(v[1] &^ vnetECN)
}

func (f *Frame) setTag(status uint32, tci, tpid uint16) {
	f.TCI = tci
	if f.TPID = unix.ETH_P_8021Q; status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		f.TPID = tpid
	}
}

// Done gives the packet of the last Next back to the kernel.
func (r *PacketRing) Done() {
	if r.block != nil {
		r.doneInBlock()
		return
	}
	done := &r.unit()[0]
	r.advance(&r.now)
	r.advance(&r.ahead)
	handBack(done, &r.mem[r.ahead.at])
}

// unit returns the memory of the frame or block to be looked at next.
func (r *PacketRing) unit() []byte { return r.mem[r.now.at : r.now.at+r.size : r.now.at+r.size] }

// place is one of a ring's frames or blocks.
type place struct {
	at   int // where it begins
	left int // how many its piece has from there on
}

func (r *PacketRing) advance(p *place) {
	p.at += r.size
	if p.left--; p.left > 0 {
		return
	}
	p.left = r.each
	if p.at += r.piece - r.each*r.size; p.at == len(r.mem) {
		p.at = 0
	}
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
