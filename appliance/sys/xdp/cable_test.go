// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(openEnv); name != "" {
		openAndTell(name)
	}
	testenv.Main(m)
}

// cable is a pair of interfaces in a namespace of its own: "near" is opened by
// what is tested, at "far" sits a plain socket.
type cable struct {
	t    testing.TB
	ns   *testenv.Namespace
	near *Device
	far  int
	c    *packet.Cache
	b    packet.Batch
}

// lay makes the cable with so many queues at either end, near is not open yet.
func lay(t testing.TB, queues int) *cable {
	t.Helper()
	testenv.NoLeaks(t)
	hostif.SetDir(t.TempDir())
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	k := &cable{t: t, ns: testenv.Netns(t), c: pool.NewCache(), far: -1}
	k.connect(queues)
	t.Cleanup(func() { _ = unix.Close(k.far) })
	return k
}

// connect makes the two interfaces and the socket at the far one.
func (k *cable) connect(queues int) {
	k.t.Helper()
	k.ns.Do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name, a.NumRxQueues, a.NumTxQueues = "near", queues, queues
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "far",
			PeerNumRxQueues: uint32(queues), PeerNumTxQueues: uint32(queues)})
	})
	k.ns.Up("near", true)
	k.ns.Up("far", true)
	if k.far >= 0 {
		_ = unix.Close(k.far)
	}
	k.ns.Do(func() (err error) { k.far, err = socketAt("far"); return err })
}

// connect is lay with near opened.
func connect(t testing.TB, o Options) *cable {
	t.Helper()
	k := lay(t, max(o.Queues, 1))
	k.open(o)
	return k
}

func (k *cable) open(o Options) {
	k.t.Helper()
	o.Port = "port"
	k.ns.Do(func() (err error) { k.near, err = Open("near", o); return err })
	k.t.Cleanup(k.near.Close)
}

// socketAt returns a socket that sends and receives everything at an
// interface of the namespace.
func socketAt(name string) (int, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return -1, err
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(all))
	if err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Attrs().Index})
}

// put sends frames from the far end.
func (k *cable) put(frames ...[]byte) {
	k.t.Helper()
	for _, f := range frames {
		if err := unix.Send(k.far, f, 0); err != nil {
			k.t.Fatal(err)
		}
	}
}

// get returns the n frames that arrive at the far end next.
func (k *cable) get(n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	buf := make([]byte, 1<<17)
	testenv.Eventually(k.t, "frames arrive at the far end", func() bool {
		size, from, err := unix.Recvfrom(k.far, buf, unix.MSG_DONTWAIT)
		if err == nil && from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING {
			all = append(all, bytes.Clone(buf[:size]))
		}
		return len(all) >= n
	})
	return all
}

// recv returns the n packets that are received next, of all queues.
func (k *cable) recv(n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	testenv.Eventually(k.t, "packets are received", func() bool {
		for q := range k.near.queues {
			k.b.Clear()
			k.near.Recv(q, k.c, &k.b, packet.BatchSize)
			for _, p := range k.b.Packets() {
				all = append(all, content(p))
			}
			k.c.FreeBatch(&k.b)
		}
		return len(all) >= n
	})
	return all
}

// send sends packets from a queue of the near end and returns how many went. It
// does so where a worker is: in the namespace of the interface.
func (k *cable) send(q int, frames ...[]byte) int {
	k.t.Helper()
	b := &packet.Batch{}
	for _, f := range frames {
		p := k.c.New(f)
		if p == 0 {
			k.t.Fatal("no buffer")
		}
		b.Add(p)
	}
	n := 0
	k.ns.Do(func() error { n = k.near.Send(q, k.c, b.Packets()); return nil })
	k.c.FreeAll(b.Packets()[n:])
	return n
}

func content(p packet.Packet) []byte {
	b := make([]byte, p.TotalLen())
	p.CopyOut(b)
	return b
}

// frame returns an Ethernet frame of n bytes of a protocol nobody speaks.
func frame(n int, seed byte) []byte {
	f := make([]byte, n)
	for i := range f {
		f[i] = byte(i)*7 + seed
	}
	copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
	return f
}

// same compares what was received or sent. Frames that the host spreads over
// several queues come in any order.
func (k *cable) same(got, want [][]byte) {
	k.t.Helper()
	if len(k.near.queues) > 1 {
		want = slices.SortedFunc(slices.Values(want), bytes.Compare)
		slices.SortFunc(got, bytes.Compare)
	}
	same(k.t, got, want)
}

func same(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d: %d bytes %.32x…, want %d %.32x…", i, len(got[i]), got[i], len(want[i]), want[i])
		}
	}
}

func (k *cable) noted(text string) bool {
	return slices.ContainsFunc(k.near.Notes(), func(n string) bool { return strings.Contains(n, text) })
}

// program returns the id of the XDP program at the near end, 0 for none.
func (k *cable) program() (id uint32) {
	k.ns.Link("near", func(l netlink.Link) error {
		if x := l.Attrs().Xdp; x != nil && x.Attached {
			id = x.ProgId
		}
		return nil
	})
	return id
}

// ways are the options that every basic test is run with.
func ways() map[string]Options {
	return map[string]Options{
		"native":  {Mode: Native},
		"generic": {Mode: Generic},
		"small":   {FrameSize: 2048, RxFrames: 64, TxFrames: 64},
		"queues":  {Queues: 2},
		"shared":  {Queues: 2, SharedUMEM: true},
		"busy":    {BusyPoll: 20, NoNeedWakeup: true},
		"alone":   {Bursts: choice.Off},
	}
}

func each(t *testing.T, f func(t *testing.T, o Options)) {
	t.Helper()
	for name, o := range ways() {
		t.Run(name, func(t *testing.T) { f(t, o) })
	}
}

func describe(notes []string) string { return fmt.Sprintf("%q", notes) }

// farIndex returns the index of the far end in the current namespace.
func farIndex() int {
	l, err := netlink.LinkByName("far")
	if err != nil {
		return 0
	}
	return l.Attrs().Index
}
