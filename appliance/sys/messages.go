// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Messages is a vector of messages of several segments each, sent or received
// with one system call. It lies outside the Go heap, so that filling it with
// the addresses of packets costs no write barrier. It belongs to one thread at
// a time; nothing here allocates once it exists.
//
// Segments must be memory that does not move: packet buffers, memory of Map.
//
//	one per message                  one per segment
//	+-------------------+            +------------+
//	| first, count   ---|----------->| base, len  |
//	| bytes moved       |            | base, len  |
//	+-------------------+            +------------+
//	| first, count   ---|----------->| base, len  |
type Messages struct {
	mem  []byte
	hdrs []mmsghdr
	iovs []iovec
	n    int // messages begun
	segs int // segments in use
}

// msghdr, mmsghdr and iovec are the kernel's structures of these names, with
// addresses as plain numbers.
type msghdr struct {
	name       uintptr
	namelen    uint32
	iov        uintptr
	iovlen     uintptr
	control    uintptr
	controllen uintptr
	flags      int32
}

type mmsghdr struct {
	msghdr
	len uint32 // bytes moved
}

type iovec struct{ base, len uintptr }

// NewMessages returns a vector with room for so many messages and segments,
// both at least 1.
func NewMessages(messages, segments int) (*Messages, error) {
	if messages < 1 || segments < 1 {
		return nil, fmt.Errorf("vector of %d messages and %d segments: both must be positive", messages, segments)
	}
	heads := messages * int(unsafe.Sizeof(mmsghdr{}))
	mem, err := Map(heads + segments*int(unsafe.Sizeof(iovec{})))
	if err != nil {
		return nil, err
	}
	return &Messages{
		mem:  mem,
		hdrs: unsafe.Slice((*mmsghdr)(unsafe.Pointer(&mem[0])), messages),
		iovs: unsafe.Slice((*iovec)(unsafe.Pointer(&mem[heads])), segments),
	}, nil
}

// Close releases the memory. The vector must not be used any more.
func (m *Messages) Close() {
	Unmap(m.mem)
	*m = Messages{}
}

// Reset makes the vector empty.
func (m *Messages) Reset() { m.n, m.segs = 0, 0 }

// Count returns the number of messages begun.
func (m *Messages) Count() int { return m.n }

// Begin starts the next message, without segments, and reports whether there
// was room for it.
func (m *Messages) Begin() bool {
	if m.n >= len(m.hdrs) || m.segs >= len(m.iovs) {
		return false
	}
	h := &m.hdrs[m.n]
	h.iov = uintptr(unsafe.Pointer(&m.iovs[m.segs]))
	h.iovlen = 0
	m.n++
	return true
}

// Add appends a segment to the message begun last and reports whether there
// was room for it.
func (m *Messages) Add(b []byte) bool {
	if m.segs >= len(m.iovs) {
		return false
	}
	v := &m.iovs[m.segs]
	v.base, v.len = uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))
	m.segs++
	m.hdrs[m.n-1].iovlen++
	return true
}

// Undo takes back the message begun last.
func (m *Messages) Undo() {
	m.n--
	m.segs -= int(m.hdrs[m.n].iovlen)
}

// Len returns how many bytes of message i were moved.
func (m *Messages) Len(i int) int { return int(m.hdrs[i].len) }

// Send sends the messages from the given one on and returns how many of them
// the kernel took. It does not wait. If it took none, the error says why it
// refused the first.
func (m *Messages) Send(fd, first int) (int, syscall.Errno) {
	return m.call(unix.SYS_SENDMMSG, fd, first, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// Recv receives up to Count messages and returns their number. It does not
// wait: EAGAIN says that there is none. A message longer than its segments is
// cut.
func (m *Messages) Recv(fd int) (int, syscall.Errno) {
	return m.call(unix.SYS_RECVMMSG, fd, 0, unix.MSG_DONTWAIT)
}

func (m *Messages) call(trap uintptr, fd, first int, flags uintptr) (int, syscall.Errno) {
	if first >= m.n {
		return 0, 0
	}
	// The calls return at once, so that there is no point in telling the
	// scheduler about them: it would only take the worker's place away.
	n, _, err := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&m.hdrs[first])),
		uintptr(m.n-first), flags, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// Discard takes the next message from a socket, throws it away and reports
// whether there was one. It does not wait.
func Discard(fd int) bool {
	_, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, 0, unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	return err == 0
}
