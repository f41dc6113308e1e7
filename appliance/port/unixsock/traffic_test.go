// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock_test

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// testDeadline is long enough for what has happened to be seen, and no longer
// since nothing is expected.
func testDeadline() time.Time { return time.Now().Add(20 * time.Millisecond) }

func TestMessagesAreCutAtABuffer(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	var sent [][]byte
	for i, n := range []int{1, 14, 60, 1514, 1919, 1920, 1921, 1984, 2047, 2048, 2049, 9000, 60} {
		sent = append(sent, pattern(n, byte(i)))
	}
	write(t, c, sent...)
	got := w.collect(len(sent))
	for i, s := range sent {
		if want := s[:min(len(s), packet.BufferSize)]; !bytes.Equal(got[i], want) {
			t.Errorf("message of %d bytes: got %d bytes %.16x…, want %d %.16x…", len(s), len(got[i]), got[i], len(want), want)
		}
	}
}

func TestHeadroomOfReceivedPackets(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	for _, k := range []struct{ size, headroom int }{{60, 128}, {1920, 128}, {1921, 127}, {2048, 0}} {
		write(t, c, pattern(k.size, 0))
		testenv.Eventually(t, "a packet comes", func() bool { return w.p.Recv(0, w.c, &w.b, 1) == 1 })
		if p := w.b.At(0); p.HeadroomLen() != k.headroom || p.Len() != k.size || p.Next() != 0 {
			t.Errorf("%d bytes: headroom %d, length %d", k.size, p.HeadroomLen(), p.Len())
		}
		w.c.FreeBatch(&w.b)
	}
}

func TestSendKeepsOrderAndContent(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	var frames [][]byte
	for i := range packet.BatchSize {
		frames = append(frames, pattern(60+i*20, byte(i)))
	}
	w.send(frames...)
	expect(t, c, frames...)
}

func TestSendOfSegmentedPackets(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	frames := [][]byte{pattern(9000, 1), pattern(60, 2), pattern(2049, 3), pattern(65535, 4)}
	w.send(frames...)
	expect(t, c, frames...)
	st := w.p.Stats(port.Out)
	if st.Packets != 4 || st.Dropped != 0 || st.Bytes != 9000+60+2049+65535 {
		t.Fatalf("%+v", st)
	}
}

// chain adds a packet of so many segments of one byte to w.b and returns its
// content.
func (w *bench) chain(segments int) []byte {
	head := w.c.New([]byte{0})
	for i := 1; i < segments; i++ {
		head.Chain(w.c.New([]byte{byte(i)}))
	}
	w.b.Add(head)
	data := make([]byte, segments)
	head.CopyOut(data)
	return data
}

// A batch may have more segments than fit into one system call. A packet that
// alone has more is dropped and holds up no other.
func TestSendOfManySegments(t *testing.T) {
	w := openPool(t, &arg{}, 2048)
	c := w.served()
	w.b.Clear()
	var frames [][]byte
	for range 20 {
		frames = append(frames, w.chain(40))
	}
	w.chain(600)
	frames = append(frames, w.chain(3))
	w.p.Send(0, w.c, &w.b)
	expect(t, c, frames...)
	if st := w.p.Stats(port.Out); st.Packets != 21 || st.Dropped != 1 {
		t.Fatalf("%d sent, %d dropped", st.Packets, st.Dropped)
	}
}

func TestBurst(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	for i := range 100 {
		write(t, c, pattern(60, byte(i)))
	}
	var sizes []int
	for i := 0; i < 100; {
		n := w.p.Recv(0, w.c, &w.b, 40)
		for _, p := range w.b.Packets() {
			if !bytes.Equal(p.Bytes(), pattern(60, byte(i))) {
				t.Fatalf("packet %d is another", i)
			}
			i++
		}
		sizes = append(sizes, n)
		w.c.FreeBatch(&w.b)
	}
	if len(sizes) != 3 || sizes[0] != 40 || sizes[1] != 40 || sizes[2] != 20 {
		t.Fatalf("batches of %v, want 40, 40, 20", sizes)
	}
	if n := w.p.Recv(0, w.c, &w.b, 0); n != 0 {
		t.Fatalf("a burst of 0 brought %d", n)
	}
}

func TestEmptyMessagesAreIgnored(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	write(t, c, nil, []byte("a"), nil, nil, []byte("b"), nil)
	got := w.collect(2)
	if string(got[0]) != "a" || string(got[1]) != "b" || len(got) != 2 {
		t.Fatalf("%q", got)
	}
	w.settle(true)
	write(t, c, []byte("c"))
	w.collect(1)

	// In the other direction the client would take one for the end.
	w.b.Clear()
	w.b.Add(w.c.Alloc())
	w.b.Add(w.c.New([]byte("d")))
	w.p.Send(0, w.c, &w.b)
	expect(t, c, []byte("d"))
	if st := w.p.Stats(port.Out); st.Packets != 1 || st.Dropped != 1 {
		t.Fatalf("%+v", st)
	}
}

func TestWithoutClientNothingComesAndEverythingIsDropped(t *testing.T) {
	w := open(t, &arg{})
	if got := w.recv(); got != nil {
		t.Fatal(got)
	}
	w.send(pattern(60, 0), pattern(60, 1))
	if st := w.p.Stats(port.Out); st.Packets != 0 || st.Dropped != 2 || st.Bytes != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestFullSocketDropsTheRest(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	frame := pattern(2000, 0)
	for i := 0; w.p.Stats(port.Out).Dropped == 0; i++ {
		if i > 1000 {
			t.Fatal("the socket never gets full")
		}
		w.send(frame, frame, frame, frame, frame)
	}
	sent := w.p.Stats(port.Out).Packets
	for range sent {
		expect(t, c, frame)
	}
	w.send([]byte("again"))
	expect(t, c, []byte("again"))
}

func TestPartialChecksumIsCompleted(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	frame := make([]byte, 54)
	frame[35], frame[50], frame[51] = 17, 0x12, 0x34
	p := w.c.New(frame)
	p.SetFlags(packet.FlagPartialChecksum)
	p.SetChecksumPlace(34, 50)
	w.b.Clear()
	w.b.Add(p)
	w.p.Send(0, w.c, &w.b)
	frame[50], frame[51] = 0xed, 0xba // ^(0x0011 + 0x1234)
	expect(t, c, frame)
}

func TestExhaustedPoolDropsAndCounts(t *testing.T) {
	w := openPool(t, &arg{MinRxIntervalNs: -1}, 64)
	c := w.served()
	var held packet.Batch
	if !w.c.AllocBatch(&held, 60, 60) {
		t.Fatal("no buffers")
	}
	for i := range 8 {
		write(t, c, pattern(60, byte(i)))
	}
	if n := w.p.Recv(0, w.c, &w.b, 64); n != 4 {
		t.Fatalf("%d packets with 4 buffers free", n)
	}
	var more packet.Batch
	for range 4 {
		if n := w.p.Recv(0, w.c, &more, 64); n != 0 {
			t.Fatalf("%d packets without a buffer", n)
		}
	}
	if st := w.p.Stats(port.Inc); st.Packets != 4 || st.Dropped != 4 {
		t.Fatalf("%d packets, %d dropped", st.Packets, st.Dropped)
	}
	w.c.FreeBatch(&w.b)
	w.c.FreeBatch(&held)
	write(t, c, []byte("x"))
	w.collect(1)
}

// The interval counts from an empty poll, in nanoseconds.
func TestThrottle(t *testing.T) {
	const interval = 300 * time.Millisecond
	w := open(t, &arg{MinRxIntervalNs: int64(interval)})
	c := w.served()
	start := time.Now()
	if got := w.recv(); got != nil {
		t.Fatal(got)
	}
	write(t, c, []byte("x"), []byte("y"))
	r := w.p.Device.(port.Retrier)
	ns, fd := r.RetryAfter(0), w.p.WaitFD(0)
	// A machine that stood still for that long has nothing to tell.
	if late := time.Since(start) >= interval; ns > uint64(interval) || ns == 0 && !late {
		t.Errorf("asks to be polled in %d ns", ns)
	} else if fd != -1 && !late {
		t.Error("offers a descriptor that would wake the worker in vain")
	}
	got := w.collect(1)
	if d := time.Since(start); d < interval {
		t.Errorf("polled again after %v", d)
	}
	if len(got) != 2 {
		t.Errorf("%d packets, want both", len(got))
	}
	if ns := r.RetryAfter(0); ns != 0 {
		t.Errorf("after a poll with packets: asks to be polled in %d ns", ns)
	}
}

func TestThrottleCanBeTurnedOff(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	for range 100 {
		if got := w.recv(); got != nil {
			t.Fatal(got)
		}
		write(t, c, []byte("x"))
		if got := w.recv(); len(got) != 1 {
			t.Fatalf("%d packets right after an empty poll", len(got))
		}
	}
}

func TestHugeIntervalIsAccepted(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: 1<<63 - 1})
	c := w.served()
	w.recv()
	write(t, c, []byte("x"))
	if got := w.recv(); got != nil {
		t.Fatal("polled before the interval was over")
	}
}

func TestDescriptorWakesAndStays(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	fd := w.p.WaitFD(0)
	if readable(fd) {
		t.Fatal("readable without client")
	}
	for range 3 {
		c := w.served()
		if readable(fd) {
			t.Fatal("readable without message")
		}
		write(t, c, []byte("x"))
		testenv.Eventually(t, "the descriptor is readable", func() bool { return readable(fd) })
		w.collect(1)
		if readable(fd) {
			t.Fatal("readable after everything was read")
		}
		_ = c.Close()
		w.settle(false)
		testenv.Eventually(t, "the descriptor rests", func() bool { return !readable(fd) })
		if now := w.p.WaitFD(0); now != fd {
			t.Fatalf("descriptor %d became %d", fd, now)
		}
	}
	if w.p.RetryAfter(0) != 0 {
		t.Fatal("asks to be polled by the clock")
	}
}

// readable reports whether fd would end a worker's sleep at once.
func readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

func TestNoAllocation(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	if n := testing.AllocsPerRun(100, func() { w.p.Recv(0, w.c, &w.b, 64); w.p.WaitFD(0); w.p.RetryAfter(0) }); n != 0 {
		t.Errorf("without client: %v allocations", n)
	}
	c := w.served()
	if n := testing.AllocsPerRun(100, func() { w.p.Recv(0, w.c, &w.b, 64); w.p.WaitFD(0); w.p.RetryAfter(0) }); n != 0 {
		t.Errorf("empty poll: %v allocations", n)
	}
	frame, buf := pattern(100, 0), make([]byte, 200)
	if n := testing.AllocsPerRun(100, func() {
		for range 8 {
			_, _ = c.Write(frame)
		}
		_, _ = c.Write(nil)
		if w.p.Recv(0, w.c, &w.b, 64) != 8 {
			t.Error("not 8 packets")
		}
		w.p.Send(0, w.c, &w.b)
		for range 8 {
			_, _ = c.Read(buf)
		}
	}); n != 0 {
		t.Errorf("receive and send: %v allocations", n)
	}
}
