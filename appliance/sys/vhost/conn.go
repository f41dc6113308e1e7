// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// impatience is how long the rest of a message may take once it has begun,
// and an answer.
const impatience = 10 * time.Second

// readMessage waits for the next message, for so long if wait is not 0. io.EOF
// says that the other side has hung up.
func readMessage(c *net.UnixConn, wait time.Duration) (_ *message, err error) {
	var head [headerSize]byte
	oob := make([]byte, unix.CmsgSpace(4*maxTable))
	end := time.Time{}
	if wait > 0 {
		end = time.Now().Add(wait)
	}
	_ = c.SetReadDeadline(end)
	n, oobn, flags, _, err := c.ReadMsgUnix(head[:], oob)
	fds, failed := descriptors(oob[:oobn])
	defer func() {
		if err != nil {
			closeAll(fds)
		}
	}()
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, io.EOF
	case failed != nil:
		return nil, failed
	case flags&unix.MSG_CTRUNC != 0:
		return nil, fmt.Errorf("more than %d descriptors with one message", maxTable)
	}
	_ = c.SetReadDeadline(time.Now().Add(impatience))
	if _, err := io.ReadFull(c, head[n:]); err != nil {
		return nil, cut(err)
	}
	m, size, err := parseHeader(head[:])
	if err != nil {
		return nil, err
	}
	m.payload = make([]byte, size)
	if _, err := io.ReadFull(c, m.payload); err != nil {
		return nil, cut(err)
	}
	m.fds = fds
	return m, nil
}

// cut says that a message was not complete.
func cut(err error) error { return fmt.Errorf("a message is cut off: %w", err) }

// writeMessage sends a message. The descriptors stay the caller's.
func writeMessage(c *net.UnixConn, m *message) error {
	var oob []byte
	if len(m.fds) > 0 {
		oob = unix.UnixRights(m.fds...)
	}
	_ = c.SetWriteDeadline(time.Now().Add(impatience))
	_, _, err := c.WriteMsgUnix(append(m.header(), m.payload...), oob, nil)
	return err
}

// descriptors returns the descriptors that came with a message.
func descriptors(oob []byte) ([]int, error) {
	parts, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range parts {
		if list, err := unix.ParseUnixRights(&parts[i]); err == nil {
			fds = append(fds, list...)
		}
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// adopt makes sure that a descriptor is an eventfd and does not block.
func adopt(fd int) error {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(name, "anon_inode:[eventfd") {
		return errors.New("the descriptor is not an eventfd: " + name)
	}
	return unix.SetNonblock(fd, true)
}
