// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// MaxUnixPath is the longest path, in bytes, that the address of a local
// socket can hold (unix(7)).
const MaxUnixPath = 107

// ListenSeqpacket returns a socket that listens at path for clients that
// exchange whole messages (AF_UNIX, SOCK_SEQPACKET). A path that begins with
// "@" is an abstract address. Errors name the call that failed.
func ListenSeqpacket(path string) (int, error) {
	fd, err := seqpacket()
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bind(%s) failed: %w", path, err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("listen() failed: %w", err)
	}
	return fd, nil
}

// DialSeqpacket returns a non-blocking socket connected to a listener.
func DialSeqpacket(path string) (int, error) {
	fd, err := seqpacket()
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect(%s) failed: %w", path, err)
	}
	return fd, nil
}

func seqpacket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket(AF_UNIX) failed: %w", err)
	}
	return fd, nil
}

// AcceptClient returns the next client of a listener, non-blocking; false if
// there is none.
func AcceptClient(listener int) (int, bool) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return fd, err == nil
}

// UnixSocketInUse reports whether some process holds the socket whose file is
// at path. The process does not notice: a datagram socket that connects to a
// listener is refused because of its type before anything happens, and
// refused in another way if nobody is there.
func UnixSocketInUse(path string) (bool, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(fd) }()
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); {
	case err == nil, errors.Is(err, unix.EPROTOTYPE):
		return true, nil
	case errors.Is(err, unix.ECONNREFUSED):
		return false, nil
	default:
		return false, err
	}
}

// Write sends b as one message and reports whether all of it went. It does
// not wait.
func Write(fd int, b []byte) bool {
	n, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return err == nil && n == len(b)
}

// CloseFD closes a descriptor; negative ones are ignored.
func CloseFD(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// HungUp reports whether the other end of a connected socket will send
// nothing any more.
func HungUp(fd int) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	for {
		n, err := unix.Poll(p[:], 0)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n > 0
		}
	}
}

// Unread returns how many bytes wait to be received from a socket.
func Unread(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// Ready says what ended a call of AwaitClient.
type Ready struct {
	// Connect: a client waits to be accepted. Wake: the event was signalled.
	// HungUp: the other end of the client's connection is gone.
	Connect, Wake, HungUp bool
}

// AwaitClient waits until something happens to one of three descriptors: a
// listener, an Event's and a client's; negative ones are ignored. It waits for
// at most d if d is not negative.
func AwaitClient(listener, event, client int, d time.Duration) Ready {
	p := [3]unix.PollFd{
		{Fd: int32(listener), Events: unix.POLLIN},
		{Fd: int32(event), Events: unix.POLLIN},
		{Fd: int32(client), Events: unix.POLLRDHUP},
	}
	end := time.Now().Add(d)
	for {
		var ts *unix.Timespec
		if d >= 0 {
			t := unix.NsecToTimespec(int64(max(time.Until(end), 0)))
			ts = &t
		}
		n, err := unix.Ppoll(p[:], ts, nil)
		if errors.Is(err, unix.EINTR) {
			continue // the Go runtime interrupts threads now and then
		}
		if err != nil || n == 0 {
			return Ready{}
		}
		return Ready{p[0].Revents != 0, p[1].Revents != 0, p[2].Revents != 0}
	}
}
