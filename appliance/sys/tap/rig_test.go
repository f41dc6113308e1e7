// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// rig is a device, the namespace it was made in ("home") and the one its
// interface is in ("away", which may be the same).
type rig struct {
	t          testing.TB
	home, away *testenv.Namespace
	d          *Device
	c          *packet.Cache
	b          packet.Batch
	sock       int // at the interface, -1: none yet
}

var mac = net.HardwareAddr{2, 0, 0, 0, 0, 7}

// options are those of most tests.
func options() Options {
	return Options{Name: "tap7", MAC: mac, Incoming: 1, Outgoing: 1, QueueLength: 256}
}

// stay leaves the interface where it was made.
func stay(t testing.TB, o Options) *rig {
	t.Helper()
	testenv.NeedFile(t, testenv.NoTun, cloneDevice)
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	return newRig(t, o, ns, ns)
}

// move has the interface in another namespace.
func move(t testing.TB, o Options) *rig {
	t.Helper()
	testenv.NeedFile(t, testenv.NoTun, cloneDevice)
	testenv.NoLeaks(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	o.Where = netns.Target{Path: away.Path()}
	return newRig(t, o, home, away)
}

func newRig(t testing.TB, o Options, home, away *testenv.Namespace) *rig {
	t.Helper()
	k := &rig{t: t, home: home, away: away, sock: -1}
	k.newPool(2048)
	k.home.Do(func() (err error) { k.d, err = Open(o); return err })
	t.Cleanup(func() {
		if k.d != nil {
			k.d.Close()
		}
		_ = unix.Close(k.sock)
	})
	return k
}

func (k *rig) newPool(n int) {
	k.t.Helper()
	pool, err := packet.NewPool(n)
	if err != nil {
		k.t.Fatal(err)
	}
	c := pool.NewCache()
	k.t.Cleanup(func() {
		c.Close()
		if free := pool.Available(); free != n {
			k.t.Errorf("%d of %d buffers are free in the end", free, n)
		}
		pool.Close()
	})
	k.c = c
}

// try opens another device at home.
func (k *rig) try(o Options) (d *Device, err error) {
	_ = k.home.Run(func() error { d, err = Open(o); return nil })
	return d, err
}

// plug opens a socket that sends and receives everything at the interface.
func (k *rig) plug() {
	k.t.Helper()
	_ = unix.Close(k.sock)
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	k.away.Link(k.d.o.Name, func(l netlink.Link) (err error) {
		if k.sock, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		return unix.Bind(k.sock, &unix.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index})
	})
}

// put sends frames out of the interface, to the device.
func (k *rig) put(frames ...[]byte) {
	k.t.Helper()
	for _, f := range frames {
		if err := unix.Send(k.sock, f, 0); err != nil {
			k.t.Fatal(err)
		}
	}
}

// get returns the n frames that arrive at the interface next.
func (k *rig) get(n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	buf := make([]byte, 1<<17)
	testenv.Eventually(k.t, "frames arrive at the interface", func() bool {
		size, from, err := unix.Recvfrom(k.sock, buf, unix.MSG_DONTWAIT)
		if err == nil && from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING {
			all = append(all, bytes.Clone(buf[:size]))
		}
		return len(all) >= n
	})
	return all
}

// recv returns the n packets that are received next, from any queue.
func (k *rig) recv(n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	testenv.Eventually(k.t, "packets are received", func() bool {
		all = append(all, k.poll()...)
		return len(all) >= n
	})
	return all
}

func (k *rig) poll() (all [][]byte) {
	for q := range k.d.in {
		k.b.Clear()
		if n := k.d.Recv(q, k.c, &k.b, packet.BatchSize); n != k.b.Len() {
			k.t.Errorf("%d packets, but %d in the batch", n, k.b.Len())
		}
		for _, p := range k.b.Packets() {
			all = append(all, content(p))
		}
		k.c.FreeBatch(&k.b)
	}
	return all
}

func content(p packet.Packet) []byte {
	b := make([]byte, p.TotalLen())
	p.CopyOut(b)
	return b
}

// send sends frames through queue 0 and returns how many went.
func (k *rig) send(frames ...[]byte) int {
	k.t.Helper()
	var b packet.Batch
	for _, f := range frames {
		p := k.c.New(f)
		if p == 0 {
			k.t.Fatal("no buffer")
		}
		b.Add(p)
	}
	n := k.d.Send(0, k.c, b.Packets())
	k.c.FreeAll(b.Packets()[n:])
	return n
}

func (k *rig) same(got [][]byte, want ...[]byte) {
	k.t.Helper()
	if len(got) != len(want) {
		k.t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			k.t.Fatalf("frame %d: %d bytes\n%x, want %d\n%x", i, len(got[i]), head(got[i]), len(want[i]), head(want[i]))
		}
	}
}

func head(b []byte) []byte { return b[:min(len(b), 100)] }

// frame returns an Ethernet frame of n bytes of a protocol nobody speaks.
func frame(n int, seed byte) []byte {
	f := make([]byte, n)
	for i := range f {
		f[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
	return f
}

// readable reports whether a worker would be woken.
func (k *rig) readable() bool {
	p := []unix.PollFd{{Fd: int32(k.d.WaitFD(0)), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

func (k *rig) expect(err error, code int, text string) {
	k.t.Helper()
	if errno.Code(err) != code || !bytes.Contains([]byte(err.Error()), []byte(text)) {
		k.t.Errorf("errno %d: %v, want %d: …%s…", errno.Code(err), err, code, text)
	}
}
