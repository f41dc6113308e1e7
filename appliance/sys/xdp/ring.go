// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is a queue shared with the kernel: one side writes entries and moves
// the producer on, the other reads them and moves the consumer. Counters run
// freely; the kernel's are read anew only when what is known is used up.
type ring[E uint64 | unix.XDPDesc] struct {
	mem      []byte
	producer *atomic.Uint32
	consumer *atomic.Uint32
	flags    *atomic.Uint32
	entries  []E
	mask     uint32
	// The own counter is exact, the other side's at least this.
	prod, cons uint32
}

// mapRing asks for a ring of n entries and maps it.
func mapRing[E uint64 | unix.XDPDesc](fd, option, n int, pgoff int64, offsets func(*unix.XDPMmapOffsets) unix.XDPRingOffset) (*ring[E], error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_XDP, option, n); err != nil {
		return nil, fmt.Errorf("ring of %d frames: %w", n, err)
	}
	var all unix.XDPMmapOffsets
	size := uint32(unsafe.Sizeof(all))
	if _, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, unix.XDP_MMAP_OFFSETS,
		uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&size)), 0); e != 0 {
		return nil, fmt.Errorf("offsets of rings: %w", e)
	}
	off := offsets(&all)
	var e E
	mem, err := unix.Mmap(fd, pgoff, int(off.Desc)+n*int(unsafe.Sizeof(e)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map ring: %w", err)
	}
	return &ring[E]{mem: mem, mask: uint32(n - 1),
		producer: (*atomic.Uint32)(unsafe.Pointer(&mem[off.Producer])),
		consumer: (*atomic.Uint32)(unsafe.Pointer(&mem[off.Consumer])),
		flags:    (*atomic.Uint32)(unsafe.Pointer(&mem[off.Flags])),
		entries:  unsafe.Slice((*E)(unsafe.Pointer(&mem[off.Desc])), n)}, nil
}

func (r *ring[E]) unmap() {
	if r != nil {
		_ = unix.Munmap(r.mem)
	}
}

// filled returns, to the consumer, how many entries can be read.
func (r *ring[E]) filled() uint32 {
	if r.prod == r.cons {
		r.prod = r.producer.Load()
	}
	return r.prod - r.cons
}

// at returns the entry a counter stands for.
func (r *ring[E]) at(i uint32) *E { return &r.entries[i&r.mask] }

// put writes an entry, for which there must be room. The kernel sees it after
// publish.
func (r *ring[E]) put(e E) {
	r.entries[r.prod&r.mask] = e
	r.prod++
}

// publish shows the kernel what was put.
func (r *ring[E]) publish() { r.producer.Store(r.prod) }

// release gives the kernel the entries that were read.
func (r *ring[E]) release() { r.consumer.Store(r.cons) }

// wantsWakeup reports whether the kernel sleeps until it is told.
func (r *ring[E]) wantsWakeup() bool { return r.flags.Load()&unix.XDP_RING_NEED_WAKEUP != 0 }
