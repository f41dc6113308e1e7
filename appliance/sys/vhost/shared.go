// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bufSize is the size of a Front's buffers in bytes, header included.
const bufSize = 2048

// shared is the memory of a Front: for every ring its three parts and its
// buffers, in one file that cannot become shorter.
type shared struct {
	fd   int
	data []byte
	ring int // bytes per ring
	size int // buffers per ring
}

// Offsets of the parts of a ring; buffers begin with a page.
func (s *shared) offsets() (avail, used, buffers int) {
	nd, na, nu := sizes(s.size)
	avail = nd
	used = align(avail+na, 64)
	return avail, used, align(used+nu, 4096)
}

func align(n, to int) int { return (n + to - 1) / to * to }

func newShared(rings, size int) (_ *shared, err error) {
	s := &shared{fd: -1, size: size}
	_, _, buffers := s.offsets()
	s.ring = align(buffers+size*bufSize, 4096)
	defer func() {
		if err != nil {
			s.close()
			err = fmt.Errorf("shared memory of %d bytes: %w", rings*s.ring, err)
		}
	}()
	if s.fd, err = unix.MemfdCreate("vhost-user", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING); err != nil {
		return nil, err
	}
	if err := unix.Ftruncate(s.fd, int64(rings*s.ring)); err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(s.fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return nil, err
	}
	s.data, err = unix.Mmap(s.fd, 0, rings*s.ring, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return s, err
}

func (s *shared) close() {
	if s.data != nil {
		_ = unix.Munmap(s.data)
	}
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
	}
}

// address returns the address of a place, which is what the other side is
// told, for rings and for buffers.
func (s *shared) address(off int) uint64 { return uint64(uintptr(unsafe.Pointer(&s.data[off]))) }

// place is the whole memory as a region.
func (s *shared) place() place {
	return place{guest: s.address(0), size: uint64(len(s.data)), user: s.address(0)}
}

// addresses are those of a ring's parts.
func (s *shared) addresses(i int) addresses {
	avail, used, _ := s.offsets()
	base := i * s.ring
	return addresses{uint32(i), s.address(base), s.address(base + used), s.address(base + avail)}
}

// drive returns ring i, empty.
func (s *shared) drive(i int, features uint64) *drive {
	mem := s.data[i*s.ring : (i+1)*s.ring]
	avail, used, buffers := s.offsets()
	clear(mem[:buffers])
	nd, na, nu := sizes(s.size)
	l := &drive{buffers: mem[buffers:], base: s.address(i*s.ring + buffers), header: headerLen(features),
		merge: features&featMergeable != 0, carry: features&featCsum != 0,
		chain: make([]uint16, s.size), nexts: make([]uint16, s.size)}
	l.desc, l.avail, l.used = mem[:nd], mem[avail:avail+na], mem[used:used+nu]
	l.num, l.events = uint16(s.size), features&featEventIdx != 0
	l.tell(true)
	return l
}
