// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// With these in the environment the test's program is another process that
// makes a cable: the directory for its state, and where the far end goes.
const (
	dirEnv   = "VETH_TEST_DIR"
	whereEnv = "VETH_TEST_WHERE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirEnv); dir != "" {
		beOther(dir)
	}
	testenv.Main(m)
}

// beOther makes a cable, says so, tells when it has been made again, and waits
// to be killed.
func beOther(dir string) {
	hostif.SetDir(dir)
	o := options()
	o.Where.Path = os.Getenv(whereEnv)
	d, err := Open(o)
	fmt.Println("result:", err)
	for ; err == nil; time.Sleep(10 * time.Millisecond) {
		if strings.Contains(strings.Join(d.Notes(), "; "), "made again 1 times") {
			fmt.Println("again")
			break
		}
	}
	select {}
}

var (
	nearMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	farMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// options are those of most tests.
func options() Options {
	return Options{Port: "p0", Near: "near0", Far: "far0", NearMAC: nearMAC, FarMAC: farMAC,
		Addresses: []string{"10.7.0.1/24"}, Incoming: 1, Outgoing: 1, Frames: 64}
}

// rig is a cable whose near end is in the namespace home and whose far end is
// in the namespace away.
type rig struct {
	t          *testing.T
	home, away *testenv.Namespace
	d          *Device
	c          *packet.Cache
	sock       int // at the far end, -1: none yet
}

// newRig makes a cable to another namespace.
func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	hostif.SetDir(t.TempDir())
	k := &rig{t: t, home: testenv.Netns(t), away: testenv.Netns(t), sock: -1}
	if o.Where == (netns.Target{}) {
		o.Where.Path = k.away.Path()
	}
	const buffers = 1024
	pool, err := packet.NewPool(buffers)
	if err != nil {
		t.Fatal(err)
	}
	k.c = pool.NewCache()
	k.home.Do(func() (err error) { k.d, err = Open(o); return err })
	t.Cleanup(func() {
		k.end()
		_ = unix.Close(k.sock)
		k.c.Close()
		if free := pool.Available(); free != buffers {
			t.Errorf("%d of %d buffers are free in the end", free, buffers)
		}
		pool.Close()
	})
	return k
}

// end closes the device, once.
func (k *rig) end() {
	if k.d != nil {
		k.d.Close()
	}
	k.d = nil
}

// try opens another device at home.
func (k *rig) try(o Options) (d *Device, err error) {
	_ = k.home.Run(func() error { d, err = Open(o); return nil })
	return d, err
}

// attrs returns what the kernel says of an interface, nil if there is none.
func attrs(ns *testenv.Namespace, name string) (a *netlink.LinkAttrs) {
	_ = ns.Run(func() error {
		if l, err := netlink.LinkByName(name); err == nil {
			a = l.Attrs()
		}
		return nil
	})
	return a
}

// addresses returns the IPv4 addresses of an interface.
func addresses(ns *testenv.Namespace, name string) string {
	var all []string
	ns.Link(name, func(l netlink.Link) error {
		list, err := netlink.AddrList(l, netlink.FAMILY_V4)
		for _, a := range list {
			all = append(all, a.IPNet.String())
		}
		return err
	})
	return strings.Join(all, " ")
}

func (k *rig) noted(text string) bool { return strings.Contains(strings.Join(k.d.Notes(), "; "), text) }

// remade waits until the cable has been made again n times and carries packets.
func (k *rig) remade(n int) {
	k.t.Helper()
	testenv.Eventually(k.t, "the cable is made again", func() bool {
		return k.noted(fmt.Sprintf("made again %d times", n)) && !k.noted("could not") && k.d.Link().Up
	})
}

// plug opens a socket that sends and receives everything at the far end.
func (k *rig) plug() {
	k.t.Helper()
	_ = unix.Close(k.sock)
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	k.away.Link(k.d.o.Far, func(l netlink.Link) (err error) {
		if k.sock, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		return unix.Bind(k.sock, &unix.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index})
	})
}

// frame is an Ethernet frame of n bytes of a protocol nobody speaks.
func frame(n int, seed byte) []byte {
	f := bytes.Repeat([]byte{seed}, n)
	copy(f, farMAC)
	copy(f[6:], nearMAC)
	f[12], f[13] = 0x88, 0xb5
	return f
}

// exchange has a frame go each way. A cable made a moment ago may lose some
// before the near end's sockets are at it.
func (k *rig) exchange(n int) {
	k.t.Helper()
	k.plug()
	in, out := frame(n, 1), frame(n, 2)
	copy(in, nearMAC)
	copy(in[6:], farMAC)
	testenv.Eventually(k.t, "a frame comes in", func() bool {
		if err := unix.Send(k.sock, in, 0); err != nil {
			k.t.Fatal(err)
		}
		var b packet.Batch
		k.d.Recv(0, k.c, &b, packet.BatchSize)
		defer k.c.FreeBatch(&b)
		return slices.ContainsFunc(b.Packets(), func(p packet.Packet) bool { return bytes.Equal(content(p), in) })
	})
	buf := make([]byte, 1<<16)
	testenv.Eventually(k.t, "a frame goes out", func() bool {
		p := k.c.New(out)
		if k.d.Send(0, k.c, []packet.Packet{p}) != 1 {
			k.c.Free(p)
		}
		got, _, err := unix.Recvfrom(k.sock, buf, unix.MSG_DONTWAIT)
		return err == nil && bytes.Equal(buf[:got], out)
	})
}

func content(p packet.Packet) []byte {
	b := make([]byte, p.TotalLen())
	p.CopyOut(b)
	return b
}
