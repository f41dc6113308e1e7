// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// guest is a front end made by hand: a session without a socket, and memory
// in which a test may put whatever it likes.
//
//	0x000 descriptors of ring 0   0x100 available   0x140 used
//	0x200 descriptors of ring 1   0x300 available   0x340 used
//	0x400 buffers
type guest struct {
	t      testing.TB
	d      *Back
	s      *session
	fd     int
	mem    []byte
	broken error
}

const (
	guestSize = 0x20000
	guestBase = 0x100000 // address of the memory for descriptors
	userBase  = 0x7f0000000000
	ringSize  = 16
	stride    = 0x200 // bytes of a ring
	availPart = 0x100
	usedPart  = 0x140
)

func newGuest(t testing.TB) *guest {
	d, err := newBack(Options{Path: "none", Queues: 1})
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, d: d, s: &session{d: d, mem: &memory{}}}
	for i := range d.rings {
		d.rings[i].broken = func(err error) { g.broken = err }
	}
	if g.fd, err = unix.MemfdCreate("guest", unix.MFD_CLOEXEC); err == nil {
		err = unix.Ftruncate(g.fd, guestSize)
	}
	if err != nil {
		t.Fatal(err)
	}
	if g.mem, err = unix.Mmap(g.fd, 0, guestSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guest) close() {
	g.s.end()
	g.d.Close()
	_ = unix.Munmap(g.mem)
	_ = unix.Close(g.fd)
}

// say sends a request with copies of descriptors.
func (g *guest) say(kind request, payload []byte, fds ...int) ([]byte, error) {
	m := &message{kind: kind, flags: version, payload: payload}
	for _, fd := range fds {
		n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			g.t.Fatal(err)
		}
		m.fds = append(m.fds, n)
	}
	defer closeAll(m.fds)
	return g.s.handle(m)
}

func (g *guest) must(kind request, payload []byte, fds ...int) {
	g.t.Helper()
	if _, err := g.say(kind, payload, fds...); err != nil {
		g.t.Fatalf("%s: %v", kind, err)
	}
}

func (g *guest) region() place { return place{guestBase, guestSize, userBase, 0} }

func ringAddresses(i uint32) addresses {
	at := userBase + stride*uint64(i)
	return addresses{i, at, at + usedPart, at + availPart}
}

// start makes both rings live.
func (g *guest) start(features uint64) {
	g.t.Helper()
	g.must(setOwner, nil)
	g.must(setFeatures, numberPayload(features))
	g.must(setMemTable, tablePayload(g.region()), g.fd)
	for i := range uint32(2) {
		fd, err := event()
		if err != nil {
			g.t.Fatal(err)
		}
		g.must(setVringNum, statePayload(state{i, ringSize}))
		g.must(setVringBase, statePayload(state{i, 0}))
		g.must(setVringAddr, addressPayload(ringAddresses(i)))
		g.must(setVringCall, numberPayload(uint64(i)), fd)
		g.must(setVringKick, numberPayload(uint64(i)), fd)
		_ = unix.Close(fd)
		if features&featProtocol != 0 {
			g.must(setVringState, statePayload(state{i, 1}))
		}
		if g.d.rings[i].gate.what.Load() == nil {
			g.t.Fatalf("ring %d is not live", i)
		}
	}
}

// desc writes a descriptor of a ring, addr counted from the memory's begin.
func (g *guest) desc(ring, i int, d desc) {
	s := split{desc: g.mem[stride*ring:], num: ringSize}
	d.addr += guestBase
	s.putDesc(uint16(i), d)
}

// table writes descriptors somewhere else.
func (g *guest) table(at int, list ...desc) {
	s := split{desc: g.mem[at:]}
	for i, d := range list {
		d.addr += guestBase
		s.putDesc(uint16(i), d)
	}
}

// offer puts chains into the available ring.
func (g *guest) offer(ring int, heads ...uint16) {
	a := g.mem[stride*ring+availPart:]
	n := binary.LittleEndian.Uint16(a[2:])
	for _, h := range heads {
		binary.LittleEndian.PutUint16(a[4+2*(n%ringSize):], h)
		n++
	}
	binary.LittleEndian.PutUint16(a[2:], n)
}

// used returns the used ring: index, and what it has at an index.
func (g *guest) used(ring int) (index uint16, entry func(i int) string) {
	u := g.mem[stride*ring+usedPart:]
	return binary.LittleEndian.Uint16(u[2:]), func(i int) string {
		return fmt.Sprintf("%d:%d", binary.LittleEndian.Uint32(u[4+8*i:]), binary.LittleEndian.Uint32(u[8+8*i:]))
	}
}

// recv polls the device once.
func (w *bench) poll(d *Back) [][]byte { return w.recv(d, 0) }

const modern = featVersion1 | featMergeable | featIndirect | featProtocol | featCsum | featGuestCsum
