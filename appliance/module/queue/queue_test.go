// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", queue.Class) }

// frames returns n frames numbered from first.
func frames(first, n int) [][]byte {
	var list [][]byte
	for i := range n {
		list = append(list, binary.BigEndian.AppendUint32(nil, uint32(first+i)))
	}
	return list
}

func overloaded(h *moduletest.Harness, name string) bool {
	return h.Instance(name).(module.Overloader).Overloaded()
}

// S29 of the catalogue.
func TestS29Backpressure(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Send("q", 0, frames(0, 14)...)
	if overloaded(h, "q") {
		t.Error("overload at 14 of 16")
	}
	h.Send("q", 0, frames(14, 1)...)
	if !overloaded(h, "q") {
		t.Error("no overload at 15 of 16")
	}
	if _, err := h.Command("q", "set_burst", &queue.QueueCommandSetBurstArg{Burst: 1}); err != nil {
		t.Fatal(err)
	}
	for left := 14; left >= 0; left-- {
		h.RunTask("q", 0)
		if got, want := overloaded(h, "q"), left >= 2; got != want {
			t.Errorf("%d left: overload %v, want %v", left, got, want)
		}
	}
}

// BESS left both marks at zero when backpressure was turned on later:
// overload for ever.
func TestBackpressureTurnedOnLater(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16})
	h.Send("q", 0, frames(0, 15)...)
	if overloaded(h, "q") {
		t.Error("overload without backpressure")
	}
	mustCommand(t, h, "set_runtime_config", &queue.QueueArg{Backpressure: true})
	h.Send("q", 0, frames(15, 1)...)
	if !overloaded(h, "q") {
		t.Error("no overload although the queue is full")
	}
	h.RunTask("q", 0)
	if overloaded(h, "q") {
		t.Error("overload although the queue is empty")
	}
	h.Send("q", 0, frames(0, 3)...)
	if overloaded(h, "q") {
		t.Error("overload at 3 of 16")
	}
}

// BESS never withdrew the overload when backpressure was turned off.
func TestBackpressureTurnedOffWhileOverloaded(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Send("q", 0, frames(0, 15)...)
	mustCommand(t, h, "set_runtime_config", &queue.QueueArg{})
	if overloaded(h, "q") {
		t.Error("still overloaded")
	}
}

func TestMarksFollowTheSize(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Send("q", 0, frames(0, 15)...)
	if !overloaded(h, "q") {
		t.Fatal("no overload")
	}
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 128})
	if overloaded(h, "q") {
		t.Error("15 of 128 is below 15 %, but still overloaded")
	}
	h.Send("q", 0, frames(15, 50)...)
	h.Send("q", 0, frames(65, 50)...)
	if overloaded(h, "q") {
		t.Error("overload at 115 of 128")
	}
	h.Send("q", 0, frames(115, 1)...)
	if !overloaded(h, "q") {
		t.Error("no overload at 116 of 128")
	}
}

// A task upstream that holds back must come back by itself: the consumer may
// have emptied the queue before the last producer said that it was full.
func TestOverloadEndsWithoutTheConsumer(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("up", queue.Class, nil)
	h.MustCreate("down", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Connect("up", 0, "down", 0)
	h.Send("up", 0, frames(0, 40)...)
	mustCommand(t, h, "set_burst", &queue.QueueCommandSetBurstArg{Burst: 15}, "up")
	if r := h.RunTask("up", 0); r.Packets != 15 {
		t.Fatalf("first run: %+v", r)
	}
	if r := h.RunTask("up", 0); !r.Blocked || r.Packets != 0 || r.Retry != module.OverloadRetry {
		t.Fatalf("while downstream is full: %+v", r)
	}
	h.RunTask("down", 0)
	if r := h.RunTask("up", 0); r.Packets != 15 {
		t.Fatalf("after downstream was emptied: %+v", r)
	}
}

func mustCommand(t testing.TB, h *moduletest.Harness, cmd string, arg proto.Message, name ...string) proto.Message {
	t.Helper()
	r, err := h.Command(append(name, "q")[0], cmd, arg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func status(t testing.TB, h *moduletest.Harness) *queue.QueueCommandGetStatusResponse {
	t.Helper()
	return mustCommand(t, h, "get_status", nil).(*queue.QueueCommandGetStatusResponse)
}

func TestPlacement(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, nil)
	p := h.Instance("q").(module.Placer)
	for _, c := range []struct {
		feeders, own     int
		violation, fatal bool
	}{{1, 1, false, false}, {0, 1, true, false}, {3, 0, false, false}, {1, 2, false, true}} {
		if v, f := p.Placement(c.feeders, c.own); v != c.violation || f != c.fatal {
			t.Errorf("%d feeders, %d own tasks: %v %v, want %v %v", c.feeders, c.own, v, f, c.violation, c.fatal)
		}
	}
}

func TestBlockedWaitsForWake(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, nil)
	if r := h.RunTask("q", 0); !r.Blocked || r.Retry != 0 {
		t.Errorf("an empty queue answers %+v; it is woken and needs no retry", r)
	}
}

// Bits count every byte and 24 more per packet.
func TestBits(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, nil)
	h.Send("q", 0, make([]byte, 60), make([]byte, 1500), make([]byte, 5000))
	if r := h.RunTask("q", 0); r.Packets != 3 || r.Bits != 8*(60+1500+5000+3*24) {
		t.Errorf("%+v", r)
	}
}

// The positions must not run into each other when the ring is used over and
// over, with batches of all sizes.
func TestManyLaps(t *testing.T) {
	for _, size := range []uint64{4, 8, 64, 128} {
		h := moduletest.New(t)
		h.MustCreate("q", queue.Class, &queue.QueueArg{Size: size})
		in, out := 0, 0
		for i := range 500 {
			n := 1 + i*7%min(int(size)-1, packet.BatchSize)
			h.Send("q", 0, frames(in, n)...)
			in = int(status(t, h).Enqueued)
			// What did not fit is sent again as something new.
			mustCommand(t, h, "set_burst", &queue.QueueCommandSetBurstArg{Burst: uint64(1 + i*5%64)})
			h.RunTask("q", 0)
			for _, f := range h.Out("q", 0) {
				if got := int(binary.BigEndian.Uint32(f)); got != out {
					t.Fatalf("size %d: packet %d came, want %d", size, got, out)
				}
				out++
			}
		}
		if s := status(t, h); int(s.Count) != in-out || int(s.Dequeued) != out {
			t.Fatalf("size %d: %v, want %d in, %d out", size, s, in, out)
		}
	}
}

func TestTooManyResizesWithoutTheTask(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 64})
	var err error
	n := 0
	for ; n < 100 && err == nil; n++ {
		h.Send("q", 0, frames(n, 1)...)
		_, err = h.Command("q", "set_size", &queue.QueueCommandSetSizeArg{Size: 64 << (n%2 + 1)})
	}
	if errno.Code(err) != errno.EBUSY {
		t.Fatalf("%d changes: %v", n, err)
	}
	for range n {
		h.RunTask("q", 0)
	}
	if out := h.Out("q", 0); len(out) != n {
		t.Fatalf("%d packets came out, want %d", len(out), n)
	}
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 4096})
}

// Shrinking cuts the newest packets, also those that wait in a ring of an
// earlier size.
func TestShrinkTwice(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 64})
	h.Send("q", 0, frames(0, 20)...)
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 128})
	h.Send("q", 0, frames(20, 20)...)
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 32})
	if s := status(t, h); s.Count != 31 || s.Enqueued != 40 || s.Dropped != 0 {
		t.Fatalf("31 of 40 must stay: %v", s)
	}
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 16})
	if s := status(t, h); s.Count != 15 {
		t.Fatalf("15 of 40 must stay: %v", s)
	}
	for range 5 {
		h.RunTask("q", 0)
	}
	out := h.Out("q", 0)
	if len(out) != 15 {
		t.Fatalf("%d packets came out", len(out))
	}
	for i, f := range out {
		if int(binary.BigEndian.Uint32(f)) != i {
			t.Fatalf("packet %d is %x", i, f)
		}
	}
	if s := status(t, h); s.Count != 0 || s.Enqueued != 40 || s.Dequeued != 15 {
		t.Fatalf("in the end: %v", s)
	}
	if n := h.Counter("q", "cut"); n != 25 {
		t.Fatalf("%d packets cut, want 25", n)
	}
}

// A run that finds nothing but packets to be freed must go on behind them: it
// would wait for a producer to wake it otherwise.
func TestManyCutPacketsDoNotBlockTheTask(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 1024})
	for i := range 10 {
		h.Send("q", 0, frames(64*i, 64)...)
	}
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 8})
	if r := h.RunTask("q", 0); r.Packets != 7 {
		t.Fatalf("first run: %+v", r)
	}
	h.Send("q", 0, frames(1000, 3)...)
	if r := h.RunTask("q", 0); r.Packets != 3 || r.Blocked {
		t.Fatalf("second run: %+v", r)
	}
	if n := h.Counter("q", "cut"); n != 633 {
		t.Fatalf("%d packets cut, want 633", n)
	}
}

// Destroying a queue frees what is in it, in rings of all sizes; the harness
// counts.
func TestCloseFreesEverything(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 64})
	h.Send("q", 0, frames(0, 50)...)
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 128})
	h.Send("q", 0, append(frames(50, 10), make([]byte, 9000))...)
	mustCommand(t, h, "set_size", &queue.QueueCommandSetSizeArg{Size: 8})
	h.Destroy("q")
}

func TestWrongSizeHasNoEffect(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 64})
	err := h.Update("q", &queue.QueueArg{Size: 65})
	if errno.Code(err) != errno.EINVAL || errors.Is(err, module.ErrRebuild) {
		t.Errorf("%v", err)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 64, Backpressure: true})
	h.NoAllocs("q", frames(0, 64)...)
	h.NoTaskAllocs("q", 0)
	h.Send("q", 0, frames(0, 64)...)
	h.NoTaskAllocs("q", 0)
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, queue.Class, func(seed []byte) proto.Message {
		a := &queue.QueueArg{}
		if len(seed) > 0 {
			a.Size, a.Backpressure = 1<<(seed[0]%16), seed[0]&128 != 0
		}
		return a
	})
}

// FuzzAll lets commands and new arguments happen between the packets.
func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, queue.Class) }
