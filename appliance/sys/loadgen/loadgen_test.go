// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"net"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// A cable whose near end sends everything back: what the generator sends is
// counted, probes come through, and in the end nothing is left.
func TestSite(t *testing.T) {
	testenv.NeedNetns(t)
	const near = "loadgen-test"
	s, err := NewSite()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Path()); err != nil {
		t.Error(err)
	}
	if err := s.Cable(near); err != nil {
		s.Close()
		testenv.Skip(t, testenv.NoVeth, err.Error())
	}
	closed := false
	defer func() {
		if !closed {
			s.Close()
		}
	}()
	if err := s.Sink(); err != nil {
		testenv.Skip(t, testenv.NoKernel, err.Error())
	}
	echo, err := pktio.OpenInterface(near, pktio.InterfaceOptions{Receive: true, Send: true, Frames: 1024})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	stop, over := make(chan struct{}), make(chan uint64)
	go func() {
		var b packet.Batch
		c, sent := pool.NewCache(), uint64(0)
		for {
			select {
			case <-stop:
				over <- sent
				return
			default:
			}
			b.Clear()
			if echo.Recv(0, c, &b, packet.BatchSize) == 0 {
				time.Sleep(100 * time.Microsecond)
				continue
			}
			for _, p := range b.Packets() {
				if f := p.Bytes(); f[12] != probeType>>8 {
					sent++
				}
			}
			n := echo.Send(0, c, b.Packets())
			c.FreeAll(b.Packets()[n:])
		}
	}()
	core := sys.AllowedCores()[0]
	took, lost, err := s.Probe(t.Context(), 20, time.Millisecond, core)
	if err != nil || len(took) == 0 || len(took)+lost != 20 {
		t.Errorf("%d probes came back, %d did not: %v", len(took), lost, err)
	}
	g := s.Generate(Sockets, make([]byte, 60), 1000, core)
	testenv.Eventually(t, "frames are counted", func() bool { n, err := s.Arrived(); return err == nil && n >= 100 })
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
	close(stop)
	if sent, n := <-over, must(s.Arrived()); n > sent {
		t.Errorf("%d frames counted, %d sent", n, sent)
	}
	echo.Close()
	s.Close()
	closed = true
	if _, err := net.InterfaceByName(near); err == nil {
		t.Error("the cable is still there")
	}
	pool.Close()
}

func must(n uint64, err error) uint64 {
	if err != nil {
		panic(err)
	}
	return n
}

// A thread that sleeps until a frame comes is seen to wake, and later than the
// frame was sent; one that does not look at the interface is not.
func TestWake(t *testing.T) {
	testenv.NeedNetns(t)
	const near = "loadgen-wake"
	s, err := NewSite()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Cable(near); err != nil {
		testenv.Skip(t, testenv.NoVeth, err.Error())
	}
	echo, err := pktio.OpenInterface(near, pktio.InterfaceOptions{Receive: true, Send: true, Frames: 1024})
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var stop atomic.Bool
	tid, over := make(chan int), make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread() // never unlocked: the thread ends here
		tid <- sys.ThreadID()
		var b packet.Batch
		var w sys.Waiter
		c := pool.NewCache()
		defer c.Close()
		for ; !stop.Load(); b.Clear() {
			w.Reset()
			w.Add(echo.WaitFD(0))
			w.Wait(int64(10 * time.Millisecond))
			echo.Recv(0, c, &b, packet.BatchSize)
			n := echo.Send(0, c, b.Packets())
			c.FreeAll(b.Packets()[n:])
		}
	}()
	core := sys.AllowedCores()[0]
	worker := <-tid
	// On a busy machine it may not sleep yet when the next frame comes.
	testenv.Eventually(t, "half of the frames wake it", func() bool {
		took, err := s.Wake(t.Context(), worker, 20, time.Millisecond, core)
		if err != nil {
			testenv.Skip(t, testenv.NoKernel, err.Error())
		}
		if len(took) > 0 && slices.Min(took) <= 0 {
			t.Errorf("woken before the frame was sent: %v", took)
		}
		return len(took) >= 10
	})
	if took, err := s.Wake(t.Context(), sleeper(t), 5, time.Millisecond, core); err != nil || len(took) > 1 {
		t.Errorf("the wrong thread: %v, %v", took, err)
	}
	stop.Store(true)
	<-over
}

// sleeper returns a thread that sleeps until the test ends.
func sleeper(t *testing.T) int {
	t.Helper()
	end, err := sys.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	tid, over := make(chan int), make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread() // never unlocked: the thread ends here
		tid <- sys.ThreadID()
		var w sys.Waiter
		w.Add(end.FD())
		for !stop.Load() { // a signal ends a wait
			w.Wait(-1)
		}
	}()
	t.Cleanup(func() { stop.Store(true); end.Signal(); <-over; end.Close() })
	return <-tid
}
