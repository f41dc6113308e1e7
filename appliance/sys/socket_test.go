// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair returns two connected sockets that exchange messages.
func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { CloseFD(fds[0]); CloseFD(fds[1]) })
	return fds[0], fds[1]
}

func vector(t *testing.T, messages, segments int) *Messages {
	t.Helper()
	m, err := NewMessages(messages, segments)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func memory(t *testing.T, n int) []byte {
	t.Helper()
	mem, err := Map(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Unmap(mem) })
	return mem
}

func TestMessagesOfSeveralSegments(t *testing.T) {
	a, b := pair(t)
	mem := memory(t, 100)
	copy(mem, "hello, world")
	out := vector(t, 4, 8)
	for _, cuts := range [][]int{{0, 5}, {0, 5, 12}, {7, 8, 9, 10}} {
		if !out.Begin() {
			t.Fatal("no room")
		}
		for i := 1; i < len(cuts); i++ {
			if !out.Add(mem[cuts[i-1]:cuts[i]]) {
				t.Fatal("no room")
			}
		}
	}
	if n, err := out.Send(a, 0); n != 3 || err != 0 {
		t.Fatalf("sent %d, %v", n, err)
	}
	in := vector(t, 8, 8)
	buf := memory(t, 64)
	for i := range 8 {
		in.Begin()
		in.Add(buf[i*8 : i*8+8])
	}
	n, err := in.Recv(b)
	if n != 3 || err != 0 {
		t.Fatalf("received %d, %v", n, err)
	}
	for i, want := range []string{"hello", "hello, w", "wor"} { // the second is cut
		if got := string(buf[i*8:][:in.Len(i)]); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	if _, err := in.Recv(b); err != syscall.EAGAIN {
		t.Fatalf("nothing to receive: %v", err)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	for _, k := range [][2]int{{0, 1}, {1, 0}, {-1, 5}} {
		if m, err := NewMessages(k[0], k[1]); err == nil {
			m.Close()
			t.Errorf("%v was accepted", k)
		}
	}
	m := vector(t, 2, 3)
	mem := memory(t, 8)
	m.Begin()
	m.Add(mem[:1])
	m.Begin()
	m.Add(mem[:2])
	if m.Begin() {
		t.Error("a third message of two")
	}
	m.Add(mem[:3])
	if m.Add(mem[:4]) {
		t.Error("a fourth segment of three")
	}
	m.Undo()
	if m.Count() != 1 || !m.Begin() || !m.Add(mem) || !m.Add(mem) || m.Add(mem) {
		t.Error("taking a message back did not free its segments")
	}
	m.Reset()
	if n, err := m.Send(-1, 0); n != 0 || err != 0 {
		t.Errorf("sending nothing: %d, %v", n, err)
	}
	m.Begin()
	if n, err := m.Send(-1, 0); n != 0 || err != syscall.EBADF {
		t.Errorf("sending nowhere: %d, %v", n, err)
	}
}

func TestSendGoesOnWhereItStopped(t *testing.T) {
	a, b := pair(t)
	m := vector(t, 3, 3)
	mem := memory(t, 3)
	copy(mem, "xyz")
	for i := range 3 {
		m.Begin()
		m.Add(mem[i : i+1])
	}
	if n, _ := m.Send(a, 2); n != 1 {
		t.Fatalf("sent %d", n)
	}
	buf := make([]byte, 4)
	if n, err := unix.Read(b, buf); n != 1 || err != nil || buf[0] != 'z' {
		t.Fatalf("%q, %v", buf[:n], err)
	}
}

func TestDiscard(t *testing.T) {
	a, b := pair(t)
	if Discard(b) {
		t.Fatal("discarded nothing")
	}
	Write(a, []byte("one"))
	Write(a, []byte("two"))
	if Unread(b) != 6 || !Discard(b) || Unread(b) != 3 {
		t.Fatal("not one message went")
	}
}

func TestHungUp(t *testing.T) {
	a, b := pair(t)
	if HungUp(a) {
		t.Fatal("a connected socket")
	}
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil || !HungUp(a) || HungUp(b) {
		t.Fatal("half closed:", err)
	}
}

func TestSlotKeepsItsNumber(t *testing.T) {
	s, err := NewSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fd := s.FD()
	if Write(fd, []byte("x")) {
		t.Fatal("wrote to nobody")
	}
	ready := func() bool {
		p := []unix.PollFd{{Fd: int32(s.WaitFD()), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return err == nil && n == 1
	}
	for range 3 {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(fds[0]); err != nil {
			t.Fatal(err)
		}
		if err := s.Watch(); err != nil {
			t.Fatal(err)
		}
		if s.FD() != fd || !Write(fd, []byte("x")) || ready() {
			t.Fatal("not connected, or already readable")
		}
		buf := make([]byte, 4)
		if n, _ := unix.Read(fds[1], buf); n != 1 {
			t.Fatal("nothing arrived")
		}
		Write(fds[1], []byte("y"))
		if !ready() {
			t.Fatal("not readable")
		}
		s.Clear()
		if ready() || Write(fd, []byte("x")) || !HungUp(fds[1]) {
			t.Fatal("still connected")
		}
		CloseFD(fds[1])
	}
}

func TestListenAndDial(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "s"), "@bess-sys-test"} {
		l, err := ListenSeqpacket(path)
		if err != nil {
			t.Fatal(err)
		}
		defer CloseFD(l)
		if _, ok := AcceptClient(l); ok {
			t.Fatal("a client from nowhere")
		}
		if r := AwaitClient(l, -1, -1, time.Millisecond); r != (Ready{}) {
			t.Fatalf("%+v", r)
		}
		c, err := DialSeqpacket(path)
		if err != nil {
			t.Fatal(err)
		}
		if r := AwaitClient(l, -1, -1, -1); !r.Connect || r.Wake || r.HungUp {
			t.Fatalf("%+v", r)
		}
		fd, ok := AcceptClient(l)
		if !ok || !Write(c, []byte("hi")) {
			t.Fatal("not accepted")
		}
		CloseFD(c)
		if r := AwaitClient(l, -1, fd, -1); !r.HungUp || r.Connect {
			t.Fatalf("%+v", r)
		}
		CloseFD(fd)
		if _, err := ListenSeqpacket(path); err == nil || !strings.HasPrefix(err.Error(), "bind("+path+") failed") {
			t.Fatal(err)
		}
	}
	if _, err := DialSeqpacket(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Fatal("connected to nothing")
	}
}

func TestUnixSocketInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := ListenSeqpacket(path)
	if err != nil {
		t.Fatal(err)
	}
	if used, err := UnixSocketInUse(path); !used || err != nil {
		t.Fatal(used, err)
	}
	if _, ok := AcceptClient(l); ok {
		t.Fatal("the listener noticed")
	}
	CloseFD(l)
	if used, err := UnixSocketInUse(path); used || err != nil {
		t.Fatal(used, err)
	}
	if _, err := UnixSocketInUse(path + "x"); err == nil {
		t.Fatal("no error for a path without socket")
	}
}

func TestWriteAtAndLock(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if e := WriteAt(int(f.Fd()), []byte("world"), 6); e != 0 {
		t.Fatal(e)
	}
	if e := WriteAt(int(f.Fd()), []byte("hello,"), 0); e != 0 {
		t.Fatal(e)
	}
	if b, _ := os.ReadFile(f.Name()); !bytes.Equal(b, []byte("hello,world")) {
		t.Fatalf("%q", b)
	}
	if e := WriteAt(-1, []byte("x"), 0); e != unix.EBADF {
		t.Fatal(e)
	}
	g, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	if !Lock(f, false) || Lock(g, true) || Lock(g, false) {
		t.Fatal("two users of one file")
	}
	if !Lock(f, true) || !Lock(g, true) {
		t.Fatal("readers exclude each other")
	}
}

func TestMessagesDoNotAllocate(t *testing.T) {
	a, b := pair(t)
	m, in := vector(t, 8, 16), vector(t, 8, 8)
	mem := memory(t, 4096)
	if n := testing.AllocsPerRun(100, func() {
		m.Reset()
		in.Reset()
		for i := range 8 {
			m.Begin()
			m.Add(mem[:60])
			m.Add(mem[60:100])
			in.Begin()
			in.Add(mem[1024+i*128:][:128])
		}
		if n, _ := m.Send(a, 0); n != 8 {
			t.Error("not sent")
		}
		if n, _ := in.Recv(b); n != 8 || in.Len(7) != 100 {
			t.Error("not received")
		}
		HungUp(a)
		Unread(a)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
