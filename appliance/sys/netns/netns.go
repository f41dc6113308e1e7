// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package netns finds network namespaces (network_namespaces(7)) by the names
// that people have for them, and works inside them.
//
// A thread that has entered a namespace never runs anything else: it ends with
// its work. So no goroutine can wake up in a namespace that is not its own.
package netns

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Namespace is an open network namespace. As long as it is open, the kernel
// keeps the namespace, even if nothing else is in it.
type Namespace struct{ fd int }

// ownFile is the namespace of the thread that looks.
const ownFile = "/proc/thread-self/ns/net"

// Current opens the namespace of the calling thread.
func Current() (*Namespace, error) { return open(ownFile) }

// Of returns the namespace behind a descriptor, which it takes over.
func Of(fd int) *Namespace { return &Namespace{fd: fd} }

// open opens a namespace's file. Errors: what the kernel answers, EINVAL for a
// file that is no network namespace.
func open(path string) (*Namespace, error) {
	// Opening a FIFO would wait without O_NONBLOCK.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("%s: %w (the capabilities CAP_SYS_PTRACE, for that of another process, and CAP_SYS_ADMIN are needed)", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		_ = unix.Close(fd)
		return nil, errno.Errorf(errno.EINVAL, "%s: is not a network namespace", path)
	}
	return &Namespace{fd: fd}, nil
}

// Again opens the namespace once more.
func (n *Namespace) Again() (*Namespace, error) {
	fd, err := unix.FcntlInt(uintptr(n.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return Of(fd), nil
}

// FD returns the descriptor that stands for the namespace.
func (n *Namespace) FD() int { return n.fd }

// Close gives the namespace up.
func (n *Namespace) Close() { _ = unix.Close(n.fd) }

// Same reports whether two descriptors are open for one namespace.
func (n *Namespace) Same(other *Namespace) bool {
	var a, b unix.Stat_t
	return unix.Fstat(n.fd, &a) == nil && unix.Fstat(other.fd, &b) == nil && a.Ino == b.Ino && a.Dev == b.Dev
}

// Inode returns the number that the kernel knows the namespace by, as long as it
// exists.
func (n *Namespace) Inode() (uint64, error) {
	var s unix.Stat_t
	if err := unix.Fstat(n.fd, &s); err != nil {
		return 0, fmt.Errorf("network namespace: %w", err)
	}
	return s.Ino, nil
}

// Cookie returns a number that no other namespace has or had since the machine
// was started, 0 if the kernel is older than 5.14 or it cannot be entered.
func (n *Namespace) Cookie() (cookie uint64) {
	_ = n.Do(func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	return cookie
}

// Do runs f on a thread inside the namespace, the caller's if that is there, and
// returns its error. Sockets and devices opened there stay there. f must not
// start goroutines that are to be inside, too. Errors: EPERM without the
// capability CAP_SYS_ADMIN, which it takes to go elsewhere.
func (n *Namespace) Do(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if n.here() {
		return f()
	}
	done := make(chan error)
	go n.do(f, done)
	return <-done
}

// do is the life of a thread that enters the namespace.
func (n *Namespace) do(f func() error, done chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The first thread of a process cannot end, and its namespace counts
		// as that of the process. While it waits here, another one is used.
		instead := make(chan error)
		go n.do(f, instead)
		err := <-instead
		runtime.UnlockOSThread()
		done <- err
		return
	}
	// Never unlocked: the thread ends with the goroutine.
	if !n.here() {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			done <- enterError(err)
			return
		}
	}
	done <- f()
}

// here reports whether the calling thread is in the namespace.
func (n *Namespace) here() bool {
	var now, other unix.Stat_t
	return unix.Stat(ownFile, &now) == nil && unix.Fstat(n.fd, &other) == nil && now.Ino == other.Ino && now.Dev == other.Dev
}

func enterError(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("enter network namespace: %w (the capability CAP_SYS_ADMIN is needed)", err)
	}
	return fmt.Errorf("enter network namespace: %w", err)
}

// Netlink returns a handle for the settings of the namespace's interfaces,
// which keeps the namespace until it is closed.
func (n *Namespace) Netlink() (h *netlink.Handle, err error) {
	err = n.Do(func() (err error) {
		h, err = netlink.NewHandle(syscall.NETLINK_ROUTE)
		return err
	})
	return h, err
}
