// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// uring is a pair of queues shared with the kernel (io_uring(7)): operations
// are written to one, a single system call has the kernel do all of them, and
// their results are in the other when it returns. Only operations that never
// wait may be added: then nothing outlives the call.
//
//	add ---> sqes[tail] --- do (io_uring_enter) ---> cqes[head] ---> results
//
// It belongs to one thread at a time.
type uring struct {
	fd      int
	rings   []byte // the indices of both queues, and the results
	entries []byte // the operations

	sqHead, sqTail, cqHead, cqTail *atomic.Uint32
	sqes                           []uringOp
	cqes                           []uringResult
	next                           uint32 // index of the next operation
}

// uringOp is the kernel's struct io_uring_sqe as reads and writes use it.
type uringOp struct {
	code   uint8
	_      uint8
	_      uint16
	fd     int32
	offset uint64
	addr   uint64
	len    uint32
	flags  uint32 // as those of preadv2(2)
	tag    uint64
	_      [3]uint64
}

// uringResult is struct io_uring_cqe.
type uringResult struct {
	tag    uint64
	result int32 // bytes moved, or the error with a minus
	_      uint32
}

// uringParams is struct io_uring_params.
type uringParams struct {
	sqEntries, cqEntries, flags, _, _, features, _ uint32
	_                                              [3]uint32
	sq                                             struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

// From linux/io_uring.h.
const (
	uringSubmitAll  = 1 << 7 // an operation that fails does not end the call; Linux 5.18
	uringSingleMap  = 1 << 0 // feature: one mapping for both queues
	uringOffEntries = 0x10000000
	uringReadv      = 1
	uringWritev     = 2
	uringRead       = 22 // one segment
	uringWrite      = 23
)

// openUring returns queues for so many operations at once, a power of two.
// Errors: ENOSYS and EINVAL from kernels that are too old, EPERM where it is
// forbidden (kernel.io_uring_disabled, seccomp).
func openUring(operations int) (_ *uring, err error) {
	p := uringParams{flags: uringSubmitAll}
	fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(operations), uintptr(unsafe.Pointer(&p)), 0)
	if e != 0 {
		return nil, fmt.Errorf("io_uring: %w", e)
	}
	u := &uring{fd: int(fd)}
	defer func() {
		if err != nil {
			u.close()
		}
	}()
	unix.CloseOnExec(u.fd)
	if p.features&uringSingleMap == 0 {
		return nil, errors.New("io_uring: the kernel is too old")
	}
	size := max(int(p.sq.array+4*p.sqEntries), int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(uringResult{})))
	if u.rings, err = u.mmap(0, size); err != nil {
		return nil, err
	}
	if u.entries, err = u.mmap(uringOffEntries, int(p.sqEntries)*int(unsafe.Sizeof(uringOp{}))); err != nil {
		return nil, err
	}
	word := func(at uint32) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&u.rings[at])) }
	u.sqHead, u.sqTail, u.cqHead, u.cqTail = word(p.sq.head), word(p.sq.tail), word(p.cq.head), word(p.cq.tail)
	u.sqes = unsafe.Slice((*uringOp)(unsafe.Pointer(&u.entries[0])), p.sqEntries)
	u.cqes = unsafe.Slice((*uringResult)(unsafe.Pointer(&u.rings[p.cq.cqes])), p.cqEntries)
	for i := range p.sqEntries {
		word(p.sq.array + 4*i).Store(i) // which operation is in which place: never changed
	}
	return u, nil
}

func (u *uring) mmap(offset int64, size int) ([]byte, error) {
	mem, err := unix.Mmap(u.fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("io_uring: map queues: %w", err)
	}
	return mem, nil
}

func (u *uring) close() {
	if u.entries != nil {
		_ = unix.Munmap(u.entries)
	}
	if u.rings != nil {
		_ = unix.Munmap(u.rings)
	}
	_ = unix.Close(u.fd)
}

// add adds an operation. There may be no more than openUring was asked for
// between two calls of do.
func (u *uring) add(op uringOp) {
	u.sqes[u.next&uint32(len(u.sqes)-1)] = op
	u.next++
}

// do has the kernel do what was added, in that order, and stores the results
// in each, where the tags say. What the kernel did not look at is left alone.
func (u *uring) do(each []transfer) {
	u.sqTail.Store(u.next)
	for left := u.next - u.sqHead.Load(); left > 0; left = u.next - u.sqHead.Load() {
		n, _, err := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(u.fd), uintptr(left), 0, 0, 0, 0)
		if err != 0 || n == 0 {
			break // out of memory
		}
	}
	u.next = u.sqHead.Load()
	u.sqTail.Store(u.next)
	head := u.cqHead.Load()
	for tail := u.cqTail.Load(); head != tail; head++ {
		r := &u.cqes[head&uint32(len(u.cqes)-1)]
		each[r.tag].result = r.result
	}
	u.cqHead.Store(head)
}
