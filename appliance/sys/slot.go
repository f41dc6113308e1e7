// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Slot is a descriptor whose number stays while the connection behind it
// comes and goes. Threads may use the number in system calls at any time
// without a lock: without a connection the calls fail, and they can never hit
// a descriptor that the number was given to meanwhile, because it is not
// given away.
//
//	FD() ------> connection of the moment, or a blank file
//	WaitFD() --> epoll instance that is readable while the connection is
//
// Put and Clear belong to one goroutine.
type Slot struct {
	fd    int
	blank int
	epoll int
}

// NewSlot returns a slot without connection.
func NewSlot() (*Slot, error) {
	s := &Slot{fd: -1, blank: -1, epoll: -1}
	var err error
	// System calls that would move bytes fail on such a descriptor.
	if s.blank, err = unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		if s.fd, err = unix.FcntlInt(uintptr(s.blank), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		}
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("descriptor for clients: %w", err)
	}
	return s, nil
}

// FD returns the number that stands for the connection of the moment.
func (s *Slot) FD() int { return s.fd }

// WaitFD returns a descriptor that is readable while the connection is, or
// when it has ended.
func (s *Slot) WaitFD() int { return s.epoll }

// Put takes over the descriptor of a connection and puts it behind FD.
func (s *Slot) Put(fd int) error {
	err := unix.Dup3(fd, s.fd, unix.O_CLOEXEC)
	_ = unix.Close(fd)
	if err != nil {
		return fmt.Errorf("take over connection: %w", err)
	}
	return nil
}

// Watch makes WaitFD report on the connection put last.
func (s *Slot) Watch() error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
		return fmt.Errorf("watch connection: %w", err)
	}
	return nil
}

// AlsoWatch makes WaitFD readable while another descriptor is, too.
func (s *Slot) AlsoWatch(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("watch descriptor: %w", err)
	}
	return nil
}

// Clear ends the connection.
func (s *Slot) Clear() {
	// The entry would only go away by itself when the last system call that
	// uses the connection is over.
	_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
	_ = unix.Dup3(s.blank, s.fd, unix.O_CLOEXEC)
}

// Close releases everything. Nobody may use the numbers any more.
func (s *Slot) Close() {
	CloseFD(s.epoll)
	CloseFD(s.fd)
	CloseFD(s.blank)
}
