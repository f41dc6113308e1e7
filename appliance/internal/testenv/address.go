// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"fmt"
	"syscall"
	"testing"
)

// Address returns an address on loopback, host:port, at which nothing listens
// and which is the test's until it ends: a program that the test starts can
// listen there, and nobody else is given that port meanwhile. (A port that was
// free a moment ago is soon another program's when many tests run at once.)
func Address(t testing.TB) string {
	t.Helper()
	fd, err := reserve()
	if err != nil {
		t.Fatalf("reserve a port: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	a, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatalf("reserve a port: %v", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", a.(*syscall.SockaddrInet4).Port)
}

// reserve returns a socket that is bound to a port and never listens: the
// kernel gives that port to nobody who asks for any, and lets who asks for it
// have it, as both allow that the address is used again.
func reserve() (fd int, err error) {
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
