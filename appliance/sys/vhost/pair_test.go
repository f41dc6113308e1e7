// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// lengths are around everything that has a limit.
var lengths = []int{1, 13, 14, 60, 64, 1514, 1518, 1920, 2035, 2036, 2037, 2048, 2049, 4072, 4084, 9018, 65535, packet.MaxTotal}

func TestExactBytesBothWays(t *testing.T) {
	for _, frontListens := range []bool{false, true} {
		t.Run(fmt.Sprintf("front listens %v", frontListens), func(t *testing.T) {
			w := newBench(t)
			b, f := w.pair(1, 256, frontListens)
			for round := range 40 { // the rings wrap
				for i, n := range lengths {
					frame := pattern(n, byte(i+round))
					for _, way := range []struct{ from, to End }{{f, b}, {b, f}} {
						if w.send(way.from, 0, frame) != 1 {
							t.Fatalf("round %d: %d bytes were not sent; %v %v", round, n, b.Notes(), f.Notes())
						}
						w.expect(way.to, 0, frame)
					}
				}
			}
			if b.Dropped() != 0 || f.Dropped() != 0 {
				t.Errorf("%d and %d packets dropped", b.Dropped(), f.Dropped())
			}
		})
	}
}

func TestFullBatchesKeepTheirOrder(t *testing.T) {
	w := newBench(t)
	b, f := w.pair(1, 128, false)
	for round := range 2000 {
		var frames [][]byte
		for i := range packet.BatchSize {
			frames = append(frames, pattern(14+i*23, byte(round*packet.BatchSize+i)))
		}
		for _, way := range []struct{ from, to End }{{f, b}, {b, f}} {
			if n := w.send(way.from, 0, frames...); n != len(frames) {
				t.Fatalf("round %d: %d sent", round, n)
			}
			w.expect(way.to, 0, frames...)
		}
	}
}

func TestFullRingsTakeNoMore(t *testing.T) {
	w := newBench(t)
	b, f := w.pair(1, 16, false)
	for name, way := range map[string]struct{ from, to End }{"front to back": {f, b}, "back to front": {b, f}} {
		t.Run(name, func(t *testing.T) {
			frames := make([][]byte, 20)
			for i := range frames {
				frames[i] = pattern(100, byte(i))
			}
			if n := w.send(way.from, 0, frames...); n != 16 {
				t.Fatalf("%d packets went into 16 buffers", n)
			}
			if n := w.send(way.from, 0, frames[0]); n != 0 {
				t.Fatal("a full ring took one more")
			}
			w.expect(way.to, 0, frames[:16]...)
			if n := w.send(way.from, 0, frames[16:]...); n != 4 {
				t.Fatalf("%d of 4 packets went into the empty ring", n)
			}
			w.expect(way.to, 0, frames[16:]...)
			// One that no ring of this size can hold does not hold up others.
			if n := w.send(way.from, 0, pattern(40000, 1), frames[1]); n != 1 {
				t.Fatalf("%d sent, want the short one", n)
			}
			w.expect(way.to, 0, frames[1])
		})
	}
}

func TestQueuesAreSeparate(t *testing.T) {
	w := newBench(t)
	b, f := w.pair(4, 64, false)
	for q := range 4 {
		w.send(f, q, pattern(60+q, 1))
		w.send(b, q, pattern(80+q, 2))
	}
	for q := range 4 {
		w.expect(b, q, pattern(60+q, 1))
		w.expect(f, q, pattern(80+q, 2))
	}
	if !b.Up() || !f.Up() {
		t.Error("the link is not up")
	}
	if s := strings.Join(b.Notes(), "; "); !strings.Contains(s, "the driver uses 4 of 4 queue pairs") {
		t.Error(s)
	}
}

func TestFewerQueuesAtTheBackEnd(t *testing.T) {
	w := newBench(t)
	path := t.TempDir() + "/s"
	b, err := OpenBack(Options{Path: path, Queues: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.t.Cleanup(b.Close)
	f, err := OpenFront(Options{Path: path, Queues: 2, Size: 16, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	w.t.Cleanup(f.Close)
	testenv.Eventually(t, "the reason is noted", func() bool {
		return strings.Contains(strings.Join(f.Notes(), "; "), "the back end has 1 queue pairs: 2 are needed")
	})
}

func readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return n > 0 && err == nil
}

// An idle queue's descriptor is not readable, becomes so by one packet, and
// is not touched while the queue is polled.
func TestWaiting(t *testing.T) {
	w := newBench(t)
	b, f := w.pair(1, 64, false)
	for name, way := range map[string]struct{ from, to End }{"front to back": {f, b}, "back to front": {b, f}} {
		t.Run(name, func(t *testing.T) {
			// Setting up the connection touches it, at the end.
			testenv.Eventually(t, "the end is told of its ring", func() bool { return readable(way.to.WaitFD(0)) })
			w.recv(way.to, 0)
			for round := range 300 {
				fd := way.to.WaitFD(0)
				if readable(fd) {
					t.Fatal("readable without a packet")
				}
				w.send(way.from, 0, pattern(60, byte(round)))
				if !readable(fd) {
					t.Fatalf("round %d: not readable with a packet", round)
				}
				w.expect(way.to, 0, pattern(60, byte(round)))
				if readable(fd) {
					t.Fatal("still readable")
				}
				for i := range 5 { // busy
					w.send(way.from, 0, pattern(60, byte(i)))
					if readable(fd) {
						t.Fatal("woken although nobody asked for it")
					}
					w.expect(way.to, 0, pattern(60, byte(i)))
				}
				// A packet that comes before the request is seen, too.
				w.send(way.from, 0, pattern(61, 0))
				if !readable(way.to.WaitFD(0)) {
					t.Fatal("not readable with a packet from before")
				}
				w.expect(way.to, 0, pattern(61, 0))
			}
		})
	}
}

func TestPeersComeAndGo(t *testing.T) {
	w := newBench(t)
	path := t.TempDir() + "/s"
	b, err := OpenBack(Options{Path: path, Queues: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for i := range 5 {
		f, err := OpenFront(Options{Path: path, Queues: 1, Size: 32, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		w.joined(b, f, 1)
		w.send(f, 0, pattern(60, byte(i)))
		w.expect(b, 0, pattern(60, byte(i)))
		w.send(f, 0, pattern(60, 99)) // never received
		f.Close()
		testenv.Eventually(t, "the front end is gone", func() bool { return !b.Up() })
		if n := w.send(b, 0, pattern(60, 1)); n != 0 {
			t.Fatal("sent to nobody")
		}
	}
	// The other way round: the front end stays.
	f, err := OpenFront(Options{Path: t.TempDir() + "/f", Queues: 1, Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for i := range 5 {
		b, err := OpenBack(Options{Path: f.peer.path, Queues: 1, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		w.joined(b, f, 1)
		w.send(b, 0, pattern(60, byte(i)))
		w.expect(f, 0, pattern(60, byte(i)))
		for range 40 {
			w.send(f, 0, pattern(60, 99)) // the ring fills up
		}
		b.Close()
		testenv.Eventually(t, "the back end is gone", func() bool { return !f.Up() })
	}
}

func TestOneFrontEndAtATime(t *testing.T) {
	w := newBench(t)
	o := Options{Path: t.TempDir() + "/s", Queues: 1, Size: 16}
	b, err := OpenBack(o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o.Client = true
	f, err := OpenFront(o)
	if err != nil {
		t.Fatal(err)
	}
	w.joined(b, f, 1)
	second, err := OpenFront(o)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	testenv.Eventually(t, "the second is turned away", func() bool {
		return strings.Contains(strings.Join(second.Notes(), "; "), "no back end is connected")
	})
	w.send(f, 0, pattern(60, 1))
	w.expect(b, 0, pattern(60, 1))
	f.Close()
	testenv.Eventually(t, "the second gets its turn", second.Up)
}

func TestNothingIsAllocated(t *testing.T) {
	w := newBench(t)
	b, f := w.pair(1, 256, false)
	frame := pattern(1514, 3)
	var batch packet.Batch
	for name, way := range map[string]struct{ from, to End }{"front to back": {f, b}, "back to front": {b, f}} {
		got := 0
		n := testing.AllocsPerRun(1000, func() {
			for range packet.BatchSize {
				batch.Add(w.c.New(frame))
			}
			sent := way.from.Send(0, w.c, batch.Packets())
			w.c.FreeAll(batch.Packets()[sent:])
			batch.Clear()
			got += way.to.Recv(0, w.c, &batch, packet.BatchSize)
			w.c.FreeBatch(&batch)
			way.to.WaitFD(0)
		})
		if n != 0 || got == 0 {
			t.Errorf("%s: %v allocations, %d packets", name, n, got)
		}
	}
}

func TestErrorsOfOptions(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	for name, k := range map[string]struct {
		o    Options
		want string
	}{
		"no path":        {Options{Queues: 1, Size: 16}, "path: must be given"},
		"long path":      {Options{Path: strings.Repeat("x", 108), Queues: 1, Size: 16}, "has 108 bytes"},
		"no directory":   {Options{Path: dir + "/no/s", Queues: 1, Size: 16}, "no such file or directory"},
		"a directory":    {Options{Path: dir, Queues: 1, Size: 16}, "exists and is not a socket"},
		"no queues":      {Options{Path: dir + "/s", Size: 16}, "queues: 0: must be 1..128"},
		"many queues":    {Options{Path: dir + "/s", Queues: 129, Size: 16}, "queues: 129: must be 1..128"},
		"not a power":    {Options{Path: dir + "/s", Queues: 1, Size: 17}, "queue size: 17: must be a power of two"},
		"too large ring": {Options{Path: dir + "/s", Queues: 1, Size: 8192}, "queue size: 8192: must be"},
	} {
		if f, err := OpenFront(k.o); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: %v, want …%s…", name, err, k.want)
			if f != nil {
				f.Close()
			}
		}
	}
}
