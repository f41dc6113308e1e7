// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package memring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// place is where a worker's packets come from. When the test ends all of them
// must be back.
func place(t testing.TB) (*packet.Pool, *packet.Cache) {
	t.Helper()
	testenv.NoLeaks(t)
	p, err := packet.NewPool(8192)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := p.Available(); n != 8192 {
			t.Errorf("%d of 8192 buffers are free in the end", n)
		}
		p.Close()
	})
	return p, p.NewCache()
}

func open(t testing.TB, ring, user string, queues int) *End {
	t.Helper()
	e, err := Open(Options{Ring: ring, User: user, Queues: queues, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// send sends packets with the given numbers and returns how many went.
func send(e *End, q int, c *packet.Cache, numbers ...uint32) int {
	var b packet.Batch
	for _, n := range numbers {
		b.Add(c.New(binary.BigEndian.AppendUint32(nil, n)))
	}
	n := e.Send(q, c, b.Packets())
	c.FreeAll(b.Packets()[n:])
	return n
}

// recv receives everything there is and returns the numbers.
func recv(e *End, q int, c *packet.Cache) (numbers []uint32) {
	var b packet.Batch
	for e.Recv(q, &b, packet.BatchSize) > 0 {
		for _, p := range b.Packets() {
			numbers = append(numbers, binary.BigEndian.Uint32(p.Bytes()))
		}
		c.FreeBatch(&b)
	}
	return numbers
}

func expect(t *testing.T, got []uint32, want ...uint32) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestTwoEnds(t *testing.T) {
	_, c := place(t)
	a := open(t, "r", "port a", 2)
	if send(a, 0, c, 1) != 0 || a.Connected() || a.Note() != "ring r: the other end is missing" {
		t.Error("connected to nobody:", a.Note())
	}
	b := open(t, "r", "port b", 3)
	for q := range 5 {
		send(a, q, c, uint32(q))
		send(b, q, c, uint32(10+q))
	}
	expect(t, recv(b, 0, c), 0, 3)
	expect(t, recv(b, 1, c), 1, 4)
	expect(t, recv(b, 2, c), 2)
	expect(t, recv(a, 0, c), 10, 12, 14)
	expect(t, recv(a, 1, c), 11, 13)
	if a.Note() != "ring r: the other end is port b" || !b.Connected() {
		t.Error(a.Note())
	}
	_, err := Open(Options{Ring: "r", User: "port c", Queues: 1, Size: 64})
	if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), `ring "r" joins port a and port b already`) {
		t.Error(err)
	}
	send(a, 0, c, 5)
	b.Close()
	if send(a, 0, c, 6) != 0 || a.Connected() {
		t.Error("sent to an end that is closed")
	}
	b = open(t, "r", "port b", 1)
	send(a, 0, c, 7)
	expect(t, recv(b, 0, c), 7)
	send(b, 0, c, 8)
	a.Close()
	b.Close()
	if len(ends.of) != 0 {
		t.Error("the ring is remembered")
	}
}

func TestLoop(t *testing.T) {
	_, c := place(t)
	e := open(t, "", "port a", 2)
	defer e.Close()
	send(e, 0, c, 1, 2)
	send(e, 3, c, 3)
	expect(t, recv(e, 0, c), 1, 2)
	expect(t, recv(e, 1, c), 3)
	if n := e.Send(0, c, nil); n != 0 || !e.Connected() || !strings.Contains(e.Note(), "comes back") {
		t.Error(n, e.Note())
	}
	full := 0
	for send(e, 0, c, uint32(full)) == 1 {
		full++
	}
	if full != 63 {
		t.Errorf("%d packets fit, want 63", full)
	}
}

func TestSlots(t *testing.T) {
	for size, want := range map[int]int{-1: 4, 0: 4, 1: 4, 4: 4, 5: 8, 64: 64, 1000: 1024, 1024: 1024, 4096: 4096} {
		if n := Slots(size); n != want {
			t.Errorf("size %d: %d slots, want %d", size, n, want)
		}
	}
}

func TestPacketsOfAnotherPool(t *testing.T) {
	_, c := place(t)
	_, foreign := place(t)
	e := open(t, "", "port a", 1)
	defer e.Close()
	send(e, 0, c, 1)
	if send(e, 0, foreign, 2) != 0 {
		t.Error("a packet that nobody could free was taken")
	}
	expect(t, recv(e, 0, c), 1)
}

// readable waits until the receiver would be woken, ms milliseconds at most.
func readable(e *End, ms int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(e.WaitFD(0)), Events: unix.POLLIN}}, ms)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n > 0
		}
	}
}

func TestSleepingReceiver(t *testing.T) {
	_, c := place(t)
	e := open(t, "", "port a", 1)
	defer e.Close()
	for range 3 {
		recv(e, 0, c)
		if readable(e, 0) {
			t.Fatal("woken for nothing")
		}
		send(e, 0, c, 1)
		if !readable(e, -1) {
			t.Fatal("not woken")
		}
		expect(t, recv(e, 0, c), 1)
		send(e, 0, c, 2) // between the last look and going to sleep
		if !readable(e, 0) {
			t.Fatal("goes to sleep with packets waiting")
		}
	}
	recv(e, 0, c)
}

// Several workers send into one queue while its receiver sleeps and wakes, and
// while the ends come and go: every packet that was taken arrives once and in
// order, or was on the way to an end that went.
func TestManySenders(t *testing.T) {
	pool, _ := place(t)
	a, b := open(t, "r", "a", 1), open(t, "r", "b", 1)
	const senders, each = 3, 5000
	var wg sync.WaitGroup
	for id := range uint32(senders) {
		wg.Go(func() {
			c := pool.NewCache()
			defer c.Close()
			for n := uint32(0); n < each; n += uint32(send(a, 0, c, id<<24|n)) {
				runtime.Gosched()
			}
		})
	}
	c := pool.NewCache()
	defer c.Close()
	next := [senders]uint32{}
	for got := 0; got < senders*each; {
		for _, n := range recv(b, 0, c) {
			if id := n >> 24; n&0xffffff < next[id] {
				t.Fatalf("sender %d: %d after %d", id, n&0xffffff, next[id]-1)
			} else {
				next[id] = n&0xffffff + 1
			}
			got++
		}
		if got < senders*each && !readable(b, 60_000) {
			t.Fatalf("asleep after %d packets", got)
		}
	}
	wg.Wait()
	a.Close()
	b.Close()
}

func TestEndsComeAndGoUnderASender(t *testing.T) {
	pool, _ := place(t)
	a := open(t, "r", "a", 1)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		c := pool.NewCache()
		defer c.Close()
		for !stop.Load() {
			send(a, 0, c, 1, 2, 3)
		}
	})
	for range 50 {
		b := open(t, "r", "b", 1)
		testenv.Eventually(t, "something is on the way", func() bool { return b.queues[0].ring.Used() > 0 })
		b.Close()
	}
	stop.Store(true)
	wg.Wait()
	a.Close()
}

func TestNoAllocation(t *testing.T) {
	_, c := place(t)
	e := open(t, "", "port a", 1)
	defer e.Close()
	var b packet.Batch
	if n := testing.AllocsPerRun(100, func() {
		c.AllocBatch(&b, 32, 60)
		e.Send(0, c, b.Packets())
		b.Clear()
		e.WaitFD(0)
		if e.Recv(0, &b, packet.BatchSize) != 32 {
			t.Error("lost")
		}
		c.FreeBatch(&b)
		e.WaitFD(0)
		e.Recv(0, &b, packet.BatchSize)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkLoop(b *testing.B) {
	_, c := place(b)
	e := open(b, "", "port a", 1)
	defer e.Close()
	var ps packet.Batch
	c.AllocBatch(&ps, 32, 60)
	for b.Loop() {
		e.Send(0, c, ps.Packets())
		ps.Clear()
		e.Recv(0, &ps, packet.BatchSize)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*32), "ns/packet")
	c.FreeBatch(&ps)
}
