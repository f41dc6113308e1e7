// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Poller is a descriptor that is readable while one of several others is.
// These may come and go while a thread waits for it.
type Poller struct{ fd int }

// NewPoller returns a Poller of no descriptor.
func NewPoller() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Poller{fd}, nil
}

// FD returns the descriptor to wait for.
func (p *Poller) FD() int { return p.fd }

// Add adds a descriptor. It leaves by itself when it is closed.
func (p *Poller) Add(fd int) error {
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// Remove removes a descriptor.
func (p *Poller) Remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// Close releases the descriptor.
func (p *Poller) Close() { _ = unix.Close(p.fd) }
