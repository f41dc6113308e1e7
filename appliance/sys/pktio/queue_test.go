// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func queues(n int, mode sys.FanoutMode) InterfaceOptions {
	return InterfaceOptions{Receive: true, Send: true, Frames: 64, Incoming: n, Outgoing: n, Fanout: sys.Fanout{Mode: mode}}
}

// flow returns a frame of UDP of the given flow.
func flow(n int) []byte {
	f := headers(false, 40)
	f[23] = protoUDP
	binary.BigEndian.PutUint16(f[34:], uint16(1000+n))
	binary.BigEndian.PutUint16(f[38:], 60)
	return append(f, make([]byte, 40)...)
}

// recvAll receives everything from all queues, n packets, and returns the
// source ports by queue.
func (k *cable) recvAll(n int) [][]int {
	k.t.Helper()
	got := make([][]int, len(k.near.in))
	testenv.Eventually(k.t, "all packets are received", func() bool {
		for q := range got {
			for k.b.Clear(); k.near.Recv(q, k.c, &k.b, 64) > 0; k.c.FreeBatch(&k.b) {
				for _, p := range k.b.Packets() {
					got[q] = append(got[q], int(binary.BigEndian.Uint16(p.Bytes()[34:]))-1000)
					n--
				}
			}
		}
		return n <= 0
	})
	return got
}

func TestFanoutByFlow(t *testing.T) {
	k := connect(t, queues(4, sys.FanoutHash))
	const flows, rounds = 40, 3
	for range rounds {
		for i := range flows {
			k.put(flow(i))
		}
	}
	home := map[int]int{}
	used := 0
	for q, list := range k.recvAll(flows * rounds) {
		if len(list) > 0 {
			used++
		}
		for _, id := range list {
			if was, ok := home[id]; ok && was != q {
				t.Errorf("flow %d arrives on queues %d and %d", id, was, q)
			}
			home[id] = q
		}
		if !k.noted(fmt.Sprintf("incoming queue %d: %d packets, 0 dropped", q, len(list))) {
			t.Error(k.near.Notes())
		}
	}
	if used < 3 {
		t.Errorf("%d of 4 queues are used by %d flows", used, flows)
	}
	for q := range 4 {
		b := batch(t, k.c, frame(60, byte(q)))
		if n := k.near.Send(q, k.c, b.Packets()); n != 1 {
			t.Error("not sent")
		}
		same(t, k.get(1), [][]byte{frame(60, byte(q))})
	}
	if !k.noted("outgoing queue 3: 1 packets") {
		t.Error(k.near.Notes())
	}
}

func TestFanoutModes(t *testing.T) {
	for mode, want := range map[sys.FanoutMode]string{sys.FanoutLB: "20 20", sys.FanoutRollover: "40 0", sys.FanoutCPU: "", sys.FanoutRandom: "", sys.FanoutQueue: "40 0"} {
		o := queues(2, mode)
		o.Fanout.Rollover, o.Fanout.Defrag = true, true
		k := connect(t, o)
		for i := range 40 {
			k.put(flow(i))
		}
		got := k.recvAll(40)
		if text := fmt.Sprint(len(got[0]), " ", len(got[1])); want != "" && text != want {
			t.Errorf("mode %d: %s", mode, text)
		}
		k.near.Send(1, k.c, batch(t, k.c, frame(60, 1)).Packets())
		k.put(flow(7))
		if got := k.recvAll(1); len(got[0])+len(got[1]) != 1 {
			t.Error("a queue hears what the other one sends")
		}
	}
}

func TestFanoutWhenTheInterfaceGoesDown(t *testing.T) {
	k := connect(t, queues(2, sys.FanoutHash))
	for range 2 {
		k.ns.Up("near", false)
		testenv.Eventually(t, "the worker can sleep", k.idle)
		k.near.WaitFD(1)
		if k.near.Recv(1, k.c, &k.b, 64) != 0 || k.near.Send(1, k.c, batch(t, k.c).Packets()) != 0 {
			t.Error("packets from an interface that is down")
		}
		k.ns.Up("near", true)
		testenv.Eventually(t, "the link is up", func() bool { return k.near.Link().Up })
		testenv.Eventually(t, "a frame arrives", func() bool {
			k.put(flow(1))
			n := k.near.Recv(0, k.c, &k.b, 64) + k.near.Recv(1, k.c, &k.b, 64)
			k.c.FreeBatch(&k.b)
			return n > 0
		})
		for i := range 20 {
			k.put(flow(i))
		}
		if got := k.recvAll(20); len(got[0]) == 0 || len(got[1]) == 0 {
			t.Error("not shared any more")
		}
	}
	if !k.noted("went down 2 times") {
		t.Error(k.near.Notes())
	}
}

// The longest frame that an Ethernet interface of Linux may have.
func TestLongestFrames(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		k := connect(t, both())
		k.mtu(65535)
		k.near.Close()
		o := both()
		o.Blocks = blocks
		k.open(o)
		want := [][]byte{frame(65549, 1), frame(60, 2), frame(65548, 3)}
		k.put(want...)
		same(t, k.recv(3), want)
		for _, f := range want {
			if n := k.send(f); n != 1 {
				t.Errorf("%d bytes: not sent", len(f))
			}
		}
		same(t, k.get(3), want)
	}
}

// What finds a queue full goes to another one.
func TestFanoutRollsOver(t *testing.T) {
	o := queues(2, sys.FanoutHash)
	o.Fanout.Rollover = true
	k := connect(t, o)
	for range 100 {
		k.put(flow(1))
	}
	got := k.recvAll(100)
	if a, b := len(got[0]), len(got[1]); a+b != 100 || max(a, b) > 74 || k.near.Dropped() != 0 {
		t.Errorf("%d and %d packets", a, b)
	}
}

func TestExclusiveInterface(t *testing.T) {
	o := queues(2, sys.FanoutHash)
	o.Port, o.Exclusive = "first", true
	k := connect(t, o)
	o.Port = "second"
	for _, exclusive := range []bool{true, false} {
		o.Exclusive = exclusive
		err := k.ns.Run(func() error { _, err := OpenInterface("near", o); return err })
		if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), `interface "near": is in use by port first`) {
			t.Error(err)
		}
	}
}

// replace deletes the interface and makes another one of the same name.
func (k *cable) replace() {
	k.t.Helper()
	before := k.near.again
	k.ns.Delete("near")
	testenv.Eventually(k.t, "it is noticed", func() bool { return k.noted("is gone") })
	k.ns.Veth("near", "far")
	_ = unix.Close(k.far)
	k.ns.Do(func() (err error) { k.far, err = socketAt("far"); return err })
	testenv.Eventually(k.t, "it is found again", func() bool {
		k.near.mu.Lock()
		defer k.near.mu.Unlock()
		return k.near.again > before
	})
}

func TestInterfaceComesBack(t *testing.T) {
	for n := 1; n <= 2; n++ {
		k := connect(t, queues(n, sys.FanoutHash))
		if err := k.near.SetConf(1400, nil, true); err != nil {
			t.Fatal(err)
		}
		for round := range 3 {
			k.put(flow(1))
			k.replace()
			k.put(flow(2), flow(3))
			// Old packets first, also if nobody looked meanwhile.
			got := k.recvAll(3)
			all := append(got[0], got[len(got)-1]...)
			if len(got) == 1 && fmt.Sprint(got[0]) != "[1 2 3]" {
				t.Fatalf("round %d: %v", round, all)
			}
			if mtu, _ := k.near.Address(); mtu != 1400 || !k.near.Link().Up {
				t.Errorf("mtu %d", mtu)
			}
			if n := k.send(frame(60, 5)); n != 1 {
				t.Error("not sent")
			}
			same(t, k.get(1), [][]byte{frame(60, 5)})
			testenv.Eventually(t, "the worker can sleep", k.idle)
		}
		if !k.noted("came again 3 times") {
			t.Error(k.near.Notes())
		}
	}
}

// Whoever sleeps while the interface is replaced is woken by the new one.
func TestSleepThroughReplacement(t *testing.T) {
	k := connect(t, both())
	p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
	k.replace()
	// What befell the old interface is told once. So is that the new one was
	// still down, to a worker that looks before it sleeps.
	testenv.Eventually(t, "the worker can sleep", func() bool {
		return k.near.Recv(0, k.c, &k.b, 64) == 0 && k.idle()
	})
	woken := make(chan error, 1)
	go func() {
		for {
			n, err := unix.Poll(p, 60_000)
			if err != unix.EINTR {
				if n == 0 {
					err = unix.ETIMEDOUT
				}
				woken <- err
				return
			}
		}
	}()
	time.Sleep(time.Millisecond)
	k.put(flow(1))
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	k.recvAll(1)
}

// The kernel tells nobody of the packets of a busy interface, and again before
// the worker sleeps.
func TestPollerIsLeftAloneUnderLoad(t *testing.T) {
	k := connect(t, both())
	receive := func(n int) (armed bool) {
		k.put(slices.Repeat([][]byte{flow(1)}, n)...)
		k.recv(n)
		return k.near.in[0].armed
	}
	if !receive(1) {
		t.Error("a lone packet is worth the system calls")
	}
	testenv.Eventually(t, "many come at once", func() bool { return !receive(4 * crowd) })
	if receive(1) {
		t.Error("looked for nothing, and the kernel has to tell")
	}
	if !k.idle() {
		t.Fatal("readable without packets")
	}
	k.put(flow(2))
	testenv.Eventually(t, "readable with a packet", func() bool { return !k.idle() })
	k.recv(1)
}

// Interfaces are replaced while workers receive from all queues: nothing is
// ever used that is gone.
func TestReplacementUnderLoad(t *testing.T) {
	k := connect(t, queues(2, sys.FanoutLB))
	pl := k.c.Pool()
	var stop atomic.Bool
	var wg sync.WaitGroup
	var got atomic.Int64
	for q := range 2 {
		wg.Go(func() {
			c := pl.NewCache()
			defer c.Close()
			var b packet.Batch
			for !stop.Load() {
				n := k.near.Recv(q, c, &b, 64)
				got.Add(int64(n))
				if n == 0 {
					k.near.WaitFD(q)
					time.Sleep(10 * time.Microsecond)
				}
				sent := k.near.Send(q, c, b.Packets())
				c.FreeAll(b.Packets()[sent:])
				b.Clear()
			}
		})
	}
	for range 5 {
		for i := range 200 {
			_ = unix.Send(k.far, flow(i), 0)
		}
		k.replace()
		k.near.Dropped()
	}
	before := got.Load()
	k.put(flow(1))
	testenv.Eventually(t, "packets flow", func() bool { return got.Load() > before })
	stop.Store(true)
	wg.Wait()
}

// A port keeps the namespace of its interface alive. The other end of the
// cable may go with its namespace.
func TestNamespaceIsDeleted(t *testing.T) {
	k := connect(t, both())
	t.Run("other", func(t *testing.T) {
		other := testenv.Netns(t) // gone when this is over
		k.ns.Link("far", func(l netlink.Link) error {
			h, err := netns.GetFromPath(other.Path())
			if err != nil {
				return err
			}
			defer func() { _ = h.Close() }()
			return netlink.LinkSetNsFd(l, int(h))
		})
		other.Up("far", true)
		_ = unix.Close(k.far)
		other.Do(func() (err error) { k.far, err = socketAt("far"); return err })
		testenv.Eventually(t, "the link is up again", func() bool { return k.near.Link().Up })
		k.put(frame(60, 1))
		same(t, k.recv(1), [][]byte{frame(60, 1)})
		_ = unix.Close(k.far)
		k.far = -1
	})
	testenv.Eventually(t, "the interface is gone", func() bool { return k.noted("is gone") })
	if k.near.Recv(0, k.c, &k.b, 64) != 0 || k.send(frame(60, 1)) != 0 {
		t.Error("packets from nowhere")
	}
}

// However long packets of an interface may be, its rings take no more memory
// than they may, and the packets come nevertheless.
func TestMemoryOfRings(t *testing.T) {
	before := ringMemory
	defer func() { ringMemory = before }()
	ringMemory = 1 << 20
	k := connect(t, both())
	k.mtu(65535)
	k.near.Close()
	k.open(both())
	if !k.noted("ring of 64 frames of 16320 bytes") || !k.noted("packets of more than 16192 bytes are fetched one by one") {
		t.Errorf("%q", k.near.Notes())
	}
	for _, n := range []int{60, 16000, 16192, 16193, 65549} {
		k.put(frame(n, 7))
		same(t, k.recv(1), [][]byte{frame(n, 7)})
	}
	if n := k.near.Dropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}
