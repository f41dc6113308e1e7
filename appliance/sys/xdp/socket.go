// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// socket is an AF_XDP socket bound to one queue of an interface.
//
//	frames of a socket
//	+---------------------------------+---------------------------------+
//	| RxFrames, always in one of fill | TxFrames, always in one of free |
//	| ring and incoming ring          | and outgoing or completion ring |
//	+---------------------------------+---------------------------------+
//
// So no ring can ever be full when something is put into it.
//
// There are two descriptors since poll has the kernel send, too, where it
// copies, and does not tell what became of it: what is waited for must not be
// able to.
type socket struct {
	fd         int    // sends, and owns the memory
	in         int    // receives
	mem        []byte // all frames of the memory the socket uses
	size       int    // of a frame
	zeroCopy   bool
	wakeup     bool // the kernel says when it must be told
	busyPoll   bool
	tags       bool // the program stores VLAN tags in front of packets
	checksums  bool // unfinished checksums are completed
	multi      bool // a packet may take several frames
	rx, tx     *ring[unix.XDPDesc]
	fill, done *ring[uint64]

	// For the receiver.
	gate  *gate           // nil: always open
	shut  bool            // it is shut
	lost  atomic.Uint64   // packets for which there was no buffer
	uncut atomic.Uint64   // packets that are several in one and cannot be cut
	flat  []byte          // such a packet; nil where there are none
	cut   pktio.Segmenter // cuts it

	// For the sender.
	free  []uint64    // frames not in use
	owing atomic.Bool // the kernel has not taken all that was sent
	fate  fate

	// For the collector: how many frames had been taken when it looked last.
	seen uint32
}

// bind says how a socket is bound; the first try is the best way, the last
// the one that always works.
type bind struct {
	zeroCopy, multi bool
}

// openSocket opens a socket for one queue of an interface, whose frames are
// umem from base on. With a parent it uses the parent's memory, which umem
// then is.
func openSocket(o *Options, ifindex, queue int, umem []byte, base int, parent *socket, way bind) (_ *socket, err error) {
	s := &socket{fd: -1, in: -1, mem: umem, size: o.FrameSize, busyPoll: o.BusyPoll > 0, multi: way.multi}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, fd := range []*int{&s.fd, &s.in} {
		if *fd, err = unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return nil, fmt.Errorf("AF_XDP socket: %w", err)
		}
	}
	if parent == nil {
		if err := s.register(); err != nil {
			return nil, err
		}
	}
	if err := s.mapRings(o); err != nil {
		return nil, err
	}
	for i := range o.RxFrames {
		s.fill.put(uint64(base + i*s.size))
	}
	s.fill.publish()
	for i := range o.TxFrames {
		s.free = append(s.free, uint64(base+(o.RxFrames+i)*s.size))
	}
	if err := s.setBusyPoll(o); err != nil {
		return nil, err
	}
	// Twice a batch may be sent at once; kernels before 6.17 have a fixed limit.
	err = unix.SetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, min(kickBudget, o.TxFrames))
	s.fate.vague = errors.Is(err, unix.ENOPROTOOPT)
	return s, s.bind(o, ifindex, queue, parent, way)
}

// kickBudget is how many packets the kernel sends in one call.
const kickBudget = 128

// For how long to ask for a queue that is in use.
const busyTries, busyPause = 100, 5 * time.Millisecond

// register makes the memory that of the socket.
func (s *socket) register() error {
	reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&s.mem[0]))), Len: uint64(len(s.mem)), Size: uint32(s.size)}
	if _, _, e := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(s.fd), unix.SOL_XDP, unix.XDP_UMEM_REG,
		uintptr(unsafe.Pointer(&reg)), unsafe.Sizeof(reg), 0); e != 0 {
		return fmt.Errorf("register %d bytes of frames: %w", len(s.mem), e)
	}
	return nil
}

func (s *socket) mapRings(o *Options) (err error) {
	if s.fill, err = mapRing[uint64](s.fd, unix.XDP_UMEM_FILL_RING, o.RxFrames, unix.XDP_UMEM_PGOFF_FILL_RING,
		func(m *unix.XDPMmapOffsets) unix.XDPRingOffset { return m.Fr }); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if s.done, err = mapRing[uint64](s.fd, unix.XDP_UMEM_COMPLETION_RING, o.TxFrames, unix.XDP_UMEM_PGOFF_COMPLETION_RING,
		func(m *unix.XDPMmapOffsets) unix.XDPRingOffset { return m.Cr }); err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	if s.rx, err = mapRing[unix.XDPDesc](s.in, unix.XDP_RX_RING, o.RxFrames, unix.XDP_PGOFF_RX_RING,
		func(m *unix.XDPMmapOffsets) unix.XDPRingOffset { return m.Rx }); err != nil {
		return fmt.Errorf("incoming: %w", err)
	}
	if s.tx, err = mapRing[unix.XDPDesc](s.fd, unix.XDP_TX_RING, o.TxFrames, unix.XDP_PGOFF_TX_RING,
		func(m *unix.XDPMmapOffsets) unix.XDPRingOffset { return m.Tx }); err != nil {
		return fmt.Errorf("outgoing: %w", err)
	}
	return nil
}

func (s *socket) setBusyPoll(o *Options) error {
	if !s.busyPoll {
		return nil
	}
	for _, f := range []struct{ opt, v int }{{unix.SO_PREFER_BUSY_POLL, 1}, {unix.SO_BUSY_POLL, o.BusyPoll},
		{unix.SO_BUSY_POLL_BUDGET, o.BusyPollBudget}} {
		for _, fd := range []int{s.fd, s.in} {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, f.opt, f.v); err != nil {
				return fmt.Errorf("busy_poll: %w", err)
			}
		}
	}
	return nil
}

func (s *socket) bind(o *Options, ifindex, queue int, parent *socket, way bind) error {
	to := &unix.SockaddrXDP{Ifindex: uint32(ifindex), QueueID: uint32(queue)}
	s.wakeup = !o.NoNeedWakeup
	if parent != nil {
		// The rest is as with the parent.
		to.Flags, to.SharedUmemFD = unix.XDP_SHARED_UMEM, uint32(parent.fd)
	} else {
		to.Flags = unix.XDP_COPY
		if way.zeroCopy {
			to.Flags = unix.XDP_ZEROCOPY
		}
		if way.multi {
			to.Flags |= unix.XDP_USE_SG
		}
		if s.wakeup {
			to.Flags |= unix.XDP_USE_NEED_WAKEUP
		}
	}
	err := unix.Bind(s.fd, to)
	// The kernel takes its time to let go of a socket closed before.
	for i := 0; errors.Is(err, unix.EBUSY) && i < busyTries; i++ {
		time.Sleep(busyPause)
		err = unix.Bind(s.fd, to)
	}
	if err == nil {
		to.Flags, to.SharedUmemFD = unix.XDP_SHARED_UMEM, uint32(s.fd)
		err = unix.Bind(s.in, to)
	}
	if err != nil {
		return fmt.Errorf("bind to queue %d: %w", queue, err)
	}
	options, err := unix.GetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_OPTIONS)
	s.zeroCopy = err == nil && options&unix.XDP_OPTIONS_ZEROCOPY != 0
	return nil
}

// stats returns what the kernel counted for one of the descriptors; zero if it
// does not say.
func stats(fd int) (st unix.XDPStatistics) {
	size := uint32(unsafe.Sizeof(st))
	_, _, _ = unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, unix.XDP_STATISTICS,
		uintptr(unsafe.Pointer(&st)), uintptr(unsafe.Pointer(&size)), 0)
	return st
}

// kick has the kernel send what is in the outgoing ring, and returns its answer.
func (s *socket) kick() unix.Errno {
	// The call returns at once, so that there is no point in telling the
	// scheduler about it: it would only take the worker's place away.
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
	if s.busyPoll && s.zeroCopy && s.untaken() > 0 {
		s.wake()
	}
	return e
}

// wake has the kernel tell the driver that there is something to be sent. With
// busy polling sendto does not, since it has just driven the device's queue. But
// that is only the incoming one where a driver has the two apart (virtio_net).
// Only poll tells the driver in any case.
func (s *socket) wake() {
	p, now := unix.PollFd{Fd: int32(s.fd), Events: unix.POLLOUT}, unix.Timespec{}
	_, _, _ = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
}

// poke has the kernel look for incoming packets.
func (s *socket) poke() {
	_, _, _ = unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.in), 0, 0, unix.MSG_DONTWAIT, 0, 0)
}

// close ends the socket. The memory of its frames is the caller's.
func (s *socket) close() {
	s.rx.unmap()
	s.tx.unmap()
	s.fill.unmap()
	s.done.unmap()
	sys.CloseFD(s.in)
	sys.CloseFD(s.fd)
}
