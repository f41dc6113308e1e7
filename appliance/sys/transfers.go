// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Transfers is a list of reads from, or writes to, descriptors that are no
// sockets and take or give one packet with each: what Messages is for sockets.
// All of them take one system call where the kernel has io_uring and allows it
// (Linux 5.18), else one for each.
//
// Like Messages it lies outside the Go heap, belongs to one thread at a time,
// and its segments must be memory that does not move. Nothing here allocates
// once it exists.
type Transfers struct {
	mem   []byte
	each  []transfer
	iovs  []iovec
	n     int // transfers begun
	segs  int // segments in use
	ring  *uring
	noted error // why there is no ring
}

// transfer is one of them: its segments, and what became of it.
type transfer struct {
	first, count int
	result       int32 // bytes moved, or the error with a minus
}

// NewTransfers returns a list with room for so many transfers and segments,
// the former a power of two, the latter at most 1024.
func NewTransfers(transfers, segments int) (*Transfers, error) {
	if transfers < 1 || transfers&(transfers-1) != 0 || segments < 1 || segments > 1024 {
		return nil, fmt.Errorf("list of %d transfers and %d segments: must be a power of two and 1..1024", transfers, segments)
	}
	heads := transfers * int(unsafe.Sizeof(transfer{}))
	mem, err := Map(heads + segments*int(unsafe.Sizeof(iovec{})))
	if err != nil {
		return nil, err
	}
	t := &Transfers{
		mem:  mem,
		each: unsafe.Slice((*transfer)(unsafe.Pointer(&mem[0])), transfers),
		iovs: unsafe.Slice((*iovec)(unsafe.Pointer(&mem[heads])), segments),
	}
	t.ring, t.noted = openUring(transfers)
	return t, nil
}

// Close releases everything.
func (t *Transfers) Close() {
	t.Singly(nil)
	Unmap(t.mem)
	*t = Transfers{}
}

// Singly makes every transfer a system call of its own from now on.
func (t *Transfers) Singly(why error) {
	if t.ring != nil {
		t.ring.close()
	}
	t.ring, t.noted = nil, why
}

// Single returns why every transfer is a system call of its own, nil if they
// share one.
func (t *Transfers) Single() error { return t.noted }

// Reset makes the list empty.
func (t *Transfers) Reset() { t.n, t.segs = 0, 0 }

// Count returns the number of transfers begun.
func (t *Transfers) Count() int { return t.n }

// Begin starts the next transfer, without segments, and reports whether there
// was room for it.
func (t *Transfers) Begin() bool {
	if t.n >= len(t.each) {
		return false
	}
	t.each[t.n] = transfer{first: t.segs}
	t.n++
	return true
}

// Add appends a segment to the transfer begun last and reports whether there
// was room for it.
func (t *Transfers) Add(b []byte) bool {
	if t.segs >= len(t.iovs) {
		return false
	}
	v := &t.iovs[t.segs]
	v.base, v.len = uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))
	t.segs++
	t.each[t.n-1].count++
	return true
}

// Undo takes back the transfer begun last.
func (t *Transfers) Undo() {
	t.n--
	t.segs = t.each[t.n].first
}

// Result returns how many bytes transfer i moved, or why it moved none.
func (t *Transfers) Result(i int) (int, syscall.Errno) {
	if r := t.each[i].result; r < 0 {
		return 0, syscall.Errno(-r)
	}
	return int(t.each[i].result), 0
}

// Read does the transfers, each a read, in their order. nowait makes a
// descriptor that would wait answer EAGAIN instead; where the kernel cannot do
// that, it answers EOPNOTSUPP. Those behind one that failed may not have been
// tried, and then have its error.
func (t *Transfers) Read(fd int, nowait bool) {
	flags := uint32(0)
	if nowait {
		flags = unix.RWF_NOWAIT
	}
	if t.ring != nil && t.n > 1 {
		t.together(uringRead, uringReadv, fd, flags)
		return
	}
	t.singly(unix.SYS_PREADV2, fd, flags)
}

// Write does the transfers, each a write, in their order. Those behind one
// that failed, but not for what it is (EINVAL, EMSGSIZE, EFAULT), may not have
// been tried, and then have its error.
func (t *Transfers) Write(fd int) {
	if t.ring != nil && t.n > 1 {
		t.together(uringWrite, uringWritev, fd, unix.RWF_NOWAIT)
		return
	}
	t.singly(unix.SYS_PWRITEV2, fd, 0)
}

// together does the transfers with one system call: one says what to do with
// one segment, several with more, which the kernel has to read first.
func (t *Transfers) together(one, several uint8, fd int, flags uint32) {
	for i := range t.each[:t.n] {
		e := &t.each[i]
		e.result = -int32(syscall.EAGAIN)
		v := &t.iovs[e.first]
		op := uringOp{code: one, fd: int32(fd), addr: uint64(v.base), len: uint32(v.len), flags: flags, tag: uint64(i)}
		if e.count > 1 {
			op.code, op.addr, op.len = several, uint64(uintptr(unsafe.Pointer(v))), uint32(e.count)
		}
		t.ring.add(op)
	}
	t.ring.do(t.each)
}

// singly does each transfer with a system call. It lets the scheduler know
// nothing, as Messages does. The offset means nothing to what is read and
// written here; giving one is cheaper for the kernel than to use, and guard,
// the descriptor's own.
func (t *Transfers) singly(trap uintptr, fd int, flags uint32) {
	for i := range t.each[:t.n] {
		e := &t.each[i]
		n, _, err := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&t.iovs[e.first])),
			uintptr(e.count), 0, 0, uintptr(flags))
		if e.result = int32(n); err == 0 {
			continue
		}
		e.result = -int32(err)
		if trap == unix.SYS_PWRITEV2 && Refused(err) {
			continue
		}
		for j := range t.each[i+1 : t.n] {
			t.each[i+1+j].result = e.result
		}
		return
	}
}

// Refused tells errors of what was to be moved from those of the descriptor.
func Refused(err syscall.Errno) bool {
	return err == syscall.EINVAL || err == syscall.EMSGSIZE || err == syscall.EFAULT
}
