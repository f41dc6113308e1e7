// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock_test

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func TestClientIsGreeted(t *testing.T) {
	w := open(t, &arg{ConfirmConnect: true})
	for range 3 {
		c := w.dial()
		expect(t, c, []byte("yes\x00"))
		w.settle(true)
		w.send([]byte("x"))
		expect(t, c, []byte("x"))
		_ = c.Close()
		w.settle(false)
	}
}

func TestClientIsNotGreetedUnasked(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	w.send([]byte("first"))
	expect(t, c, []byte("first"))
}

func TestOneClientAtATime(t *testing.T) {
	w := open(t, &arg{ConfirmConnect: true})
	first := w.dial()
	expect(t, first, []byte("yes\x00"))
	for range 5 {
		expectEOF(t, w.dial())
	}
	w.send([]byte("x"))
	expect(t, first, []byte("x"))
	_ = first.Close()
	// The hang-up is known before the next connection can be made.
	next := w.dial()
	expect(t, next, []byte("yes\x00"))
	expectEOF(t, w.dial())
}

func TestClientSeesThePortClose(t *testing.T) {
	path := t.TempDir() + "/s"
	p, err := try("p", &arg{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unixpacket", path)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "the client is served", func() bool {
		return p.Device.(port.Noter).Notes()[1] == "a client is connected"
	})
	p.Device.Close()
	expectEOF(t, c.(*net.UnixConn))
	_ = c.Close()
}

// What a client sent before it hung up still arrives, and its successor does
// not have to wait for more than that.
func TestLastWordsAreHeard(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1, ConfirmConnect: true})
	for i := range 50 {
		c := w.dial()
		expect(t, c, []byte("yes\x00"))
		for j := range 100 {
			write(t, c, pattern(60, byte(i+j)))
		}
		_ = c.Close()
		if got := w.collect(100); len(got) != 100 {
			t.Fatalf("round %d: %d packets of 100", i, len(got))
		}
	}
}

// A client that closes with unread packets resets the connection, which must
// not cost what it sent.
func TestLastWordsAfterAReset(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	for range 20 {
		c := w.served()
		w.send([]byte("unread"), []byte("unread"))
		write(t, c, []byte("a"), []byte("b"))
		_ = c.Close()
		if got := w.collect(2); len(got) != 2 || string(got[1]) != "b" {
			t.Fatalf("%q", got)
		}
		w.recv()
		w.settle(false)
	}
}

// Neither Recv nor Send is needed to notice that a client is gone.
func TestHangUpIsNoticedByThePortItself(t *testing.T) {
	w := open(t, &arg{})
	for range 10 {
		_ = w.served().Close()
		w.settle(false)
	}
}

func TestHangUpIsNoticedWhileSending(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	_ = c.Close()
	for range 10 {
		w.send(pattern(60, 0), pattern(60, 1))
	}
	if st := w.p.Stats(port.Out); st.Packets != 0 || st.Dropped != 20 {
		t.Fatalf("%d sent, %d dropped", st.Packets, st.Dropped)
	}
	w.settle(false)
}

func TestClientThatStopsSendingHasHungUp(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	c := w.served()
	write(t, c, []byte("last"))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	w.collect(1)
	w.recv()
	expectEOF(t, c)
	w.settle(false)
}

// If nobody receives, the packets of a client that is gone keep the port busy
// only until somebody waits for it.
func TestUnreadPacketsDoNotBlockThePortForEver(t *testing.T) {
	w := open(t, &arg{ConfirmConnect: true})
	c := w.dial()
	expect(t, c, []byte("yes\x00"))
	write(t, c, []byte("never received"))
	_ = c.Close()
	next := w.dial()
	expect(t, next, []byte("yes\x00"))
	w.settle(true)
	write(t, next, []byte("new"))
	if got := w.collect(1); string(got[0]) != "new" {
		t.Fatalf("%q", got)
	}
}

func TestPortClosesWithUnreadPackets(t *testing.T) {
	w := open(t, &arg{})
	c := w.served()
	write(t, c, []byte("x"))
	_ = c.Close()
	// Cleanup closes the port, which must not wait for anybody.
}

// workers polls and sends in two threads, as an engine would, until stopped.
// The cache of each belongs to it alone. Like an engine it leaves room for the
// other goroutines, among them the one that accepts clients.
func (w *bench) workers() (stop func()) {
	w.t.Helper()
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + 2)
	w.t.Cleanup(func() { runtime.GOMAXPROCS(procs) })
	var end atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		c := w.pool.NewCache()
		var b packet.Batch
		for !end.Load() {
			b.Clear()
			w.p.Recv(0, c, &b, packet.BatchSize)
			c.FreeBatch(&b)
		}
		c.Flush()
	})
	wg.Go(func() {
		c := w.pool.NewCache()
		var b packet.Batch
		for !end.Load() {
			if c.AllocBatch(&b, 8, 200) {
				w.p.Send(0, c, &b)
			}
		}
		c.Flush()
	})
	return func() { end.Store(true); wg.Wait() }
}

// badinput 9: a client that hangs up while the port is polled cost up to 64
// buffers a poll. The pool is counted when the port closes.
func TestNothingLeaksWhenClientsComeAndGo(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	stop := w.workers()
	defer stop()
	buf := make([]byte, 4096)
	for i := range 300 {
		c := w.dial()
		for j := range i % 7 {
			_, _ = c.Write(pattern(100+j, byte(i)))
		}
		if i%3 == 0 {
			_, _ = c.Read(buf)
		}
		_ = c.Close()
	}
	w.settle(false)
}

const floodPath = "UNIXSOCK_TEST_FLOOD"

// flood is the body of a client process that sends and receives until it is
// killed.
func flood(path string) {
	c, err := net.Dial("unixpacket", path)
	if err != nil {
		os.Exit(1)
	}
	go func() {
		for buf := make([]byte, 4096); ; {
			if _, err := c.Read(buf); err != nil {
				os.Exit(2)
			}
		}
	}()
	for {
		if _, err := c.Write(pattern(500, 1)); err != nil {
			os.Exit(3)
		}
	}
}

func TestKilledClients(t *testing.T) {
	w := open(t, &arg{MinRxIntervalNs: -1})
	stop := w.workers()
	defer stop()
	for range 5 {
		before := w.p.Stats(port.Inc).Packets
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), floodPath+"="+w.path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, "the client's packets come", func() bool {
			return w.p.Stats(port.Inc).Packets > before+1000
		})
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		w.settle(false)
	}
}

// rawClient connects a client whose socket the Go runtime does not watch: that
// would be part of the cost of every packet.
func (w *bench) rawClient() int {
	w.t.Helper()
	fd, err := sys.DialSeqpacket(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { sys.CloseFD(fd) })
	w.settle(true)
	return fd
}

func BenchmarkRecv(b *testing.B) {
	w := open(b, &arg{MinRxIntervalNs: -1})
	fd := w.rawClient()
	frame := pattern(60, 0)
	n := 0
	var spent time.Duration
	for range b.N {
		for range packet.BatchSize {
			sys.Write(fd, frame)
		}
		start := time.Now()
		n += w.p.Recv(0, w.c, &w.b, packet.BatchSize)
		w.c.FreeBatch(&w.b)
		spent += time.Since(start)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/packet")
}

func BenchmarkSend(b *testing.B) {
	w := open(b, &arg{})
	fd := w.rawClient()
	var spent time.Duration
	for range b.N {
		w.c.AllocBatch(&w.b, packet.BatchSize, 60)
		start := time.Now()
		w.p.Send(0, w.c, &w.b)
		spent += time.Since(start)
		for sys.Discard(fd) {
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*packet.BatchSize), "ns/packet")
}

func BenchmarkEmptyPoll(b *testing.B) {
	w := open(b, &arg{MinRxIntervalNs: -1})
	w.rawClient()
	for b.Loop() {
		w.p.Recv(0, w.c, &w.b, packet.BatchSize)
	}
}
