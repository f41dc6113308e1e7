// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// intact fails if a connection ended for a reason that only missing memory
// can be: then a worker has looked where it must not.
func intact(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "shared memory") {
		t.Fatal(err)
	}
}

// FuzzRings puts bytes into a driver's memory, rings and all, and lets the
// device work with that.
func FuzzRings(f *testing.F) {
	g := newGuest(f)
	g.frameAt(0x400, pattern(60, 0))
	g.desc(1, 0, desc{0x400, 72, 0, 0})
	g.desc(0, 0, desc{0x400, 100, descWrite | descNext, 1})
	g.desc(0, 1, desc{0x600, 2000, descWrite, 0})
	g.offer(1, 0)
	g.offer(0, 0)
	f.Add(uint8(0), bytes.Clone(g.mem[:0x480]))
	g.table(0x500, desc{0x400, 12, descNext, 1}, desc{0x40c, 60, 0, 0})
	g.desc(1, 1, desc{0x500, 32, descIndirect, 0})
	g.offer(1, 1)
	f.Add(uint8(255), bytes.Clone(g.mem[:0x540]))
	g.close()
	w := newPlace(f)
	f.Fuzz(func(t *testing.T, bits uint8, mem []byte) {
		w.t = t
		features := uint64(featVersion1 | featProtocol)
		for i, b := range []uint64{featMergeable, featIndirect, featEventIdx, featGuestCsum, featVersion1} {
			if bits>>i&1 != 0 {
				features ^= b
			}
		}
		g := newGuest(t)
		defer g.close()
		g.start(features)
		copy(g.mem, mem)
		for range 3 {
			for _, frame := range w.poll(g.d) {
				if len(frame) == 0 || len(frame) > packet.MaxTotal {
					t.Fatalf("packet of %d bytes", len(frame))
				}
			}
			g.d.WaitFD(0)
			w.send(g.d, 0, pattern(60, 1), pattern(3000, 2))
			intact(t, g.broken)
		}
	})
}

// FuzzProtocol feeds requests to a device. The first byte of each piece says
// how many descriptors come with the message that follows.
func FuzzProtocol(f *testing.F) {
	g := newGuest(f)
	region := g.region()
	g.close()
	add := func(list ...message) {
		var b []byte
		for _, m := range list {
			m.flags = version
			b = append(append(append(b, byte(len(m.fds))), m.header()...), m.payload...)
		}
		f.Add(b)
	}
	fd := []int{-1}
	ring := []message{
		{kind: getFeatures}, {kind: setOwner}, {kind: setFeatures, payload: numberPayload(modern)},
		{kind: getProtocol}, {kind: setProtocol, payload: numberPayload(offeredProto)},
		{kind: setMemTable, payload: tablePayload(region), fds: fd},
		{kind: setVringNum, payload: statePayload(state{1, ringSize})}, {kind: setVringBase, payload: statePayload(state{1, 0})},
		{kind: setVringAddr, payload: addressPayload(ringAddresses(1))}, {kind: setVringCall, payload: numberPayload(1), fds: fd},
		{kind: setVringKick, payload: numberPayload(1), fds: fd}, {kind: setVringState, payload: statePayload(state{1, 1})},
	}
	add(ring...)
	add(append(ring, message{kind: remMemRegion, payload: append(numberPayload(0), region.append(nil)...)})...)
	add(message{kind: getMemSlots}, message{kind: addMemRegion, payload: append(numberPayload(0), region.append(nil)...), fds: fd},
		message{kind: getVringBase, payload: statePayload(state{0, 0})}, message{kind: getQueueNum}, message{kind: resetOwner})
	w := newPlace(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		g := newGuest(t)
		defer g.close()
		for n := 0; n < 40 && len(data) > headerSize; n++ {
			m, size, err := parseHeader(data[1 : 1+headerSize])
			if err != nil {
				return
			}
			fds := int(data[0] % (maxTable + 1))
			data = data[1+headerSize:]
			size = min(size, len(data))
			m.payload, data = data[:size], data[size:]
			for range fds {
				var fd int
				if m.kind == setMemTable || m.kind == addMemRegion {
					fd, err = unix.FcntlInt(uintptr(g.fd), unix.F_DUPFD_CLOEXEC, 0)
				} else {
					fd, err = event()
				}
				if err != nil {
					t.Fatal(err)
				}
				m.fds = append(m.fds, fd)
			}
			_, err = g.s.handle(m)
			closeAll(m.fds)
			intact(t, err)
			if err != nil {
				return
			}
			w.poll(g.d)
			g.d.WaitFD(0)
			w.send(g.d, 0, pattern(60, 1))
			intact(t, g.broken)
		}
	})
}

// FuzzDriver lets a device write what it likes to a Front's used rings and
// buffers.
func FuzzDriver(f *testing.F) {
	used := make([]byte, 100)
	binary.LittleEndian.PutUint16(used[2:], 2)
	binary.LittleEndian.PutUint32(used[8:], 72)
	binary.LittleEndian.PutUint32(used[12:], 1)
	binary.LittleEndian.PutUint32(used[16:], 2048)
	f.Add(used, []byte("a buffer with\x02\x00"))
	w := newPlace(f)
	f.Fuzz(func(t *testing.T, used, buffer []byte) {
		w.t = t
		fr := &Front{size: 16, rings: make([]frontRing, 2)}
		if err := fr.init(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			fr.Close()
		}()
		var broken error
		for i := range fr.rings {
			fr.rings[i].broken = func(err error) { broken = err }
			l := fr.mem.drive(i, wanted)
			if i == 0 {
				l.offerAll()
			} else {
				l.freeAll()
			}
			fr.rings[i].gate.open(l)
		}
		defer fr.stop()
		for round := range 3 {
			w.send(fr, 0, pattern(60, 1), pattern(5000, 2), pattern(60, 3))
			for i := range fr.rings {
				l := fr.rings[i].gate.what.Load()
				copy(l.used, used)
				binary.LittleEndian.PutUint16(l.used[2:], binary.LittleEndian.Uint16(l.used[2:])+l.seen)
				copy(l.buffers[round*bufSize:], buffer)
				copy(l.desc, buffer)
			}
			w.recv(fr, 0)
			fr.WaitFD(0)
			intact(t, broken)
			l := fr.rings[1].gate.what.Load()
			if n, free := l.nfree, l.free; n < 0 || n > 16 || n > 0 && int(free) > 16 {
				t.Fatalf("%d free from %d on", n, free)
			}
		}
	})
}
