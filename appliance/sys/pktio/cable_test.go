// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// cable is a pair of interfaces in a namespace of its own: "near" is opened
// by what is tested, at "far" sits a plain socket.
type cable struct {
	t    testing.TB
	ns   *testenv.Namespace
	near *Interface
	far  int
	c    *packet.Cache
	b    packet.Batch
}

func connect(t testing.TB, o InterfaceOptions) *cable {
	t.Helper()
	testenv.NoLeaks(t)
	k := &cable{t: t, ns: testenv.Netns(t), c: pool(t, 4096)}
	k.ns.Veth("near", "far")
	k.open(o)
	t.Cleanup(func() { k.near.Close() })
	k.ns.Do(func() (err error) { k.far, err = socketAt("far"); return err })
	t.Cleanup(func() { _ = unix.Close(k.far) })
	return k
}

func both() InterfaceOptions { return InterfaceOptions{Receive: true, Send: true, Frames: 64} }

func (k *cable) open(o InterfaceOptions) {
	k.t.Helper()
	k.ns.Do(func() (err error) { k.near, err = OpenInterface("near", o); return err })
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

// recv returns the n packets that are received next.
func (k *cable) recv(n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	testenv.Eventually(k.t, "packets are received", func() bool {
		k.b.Clear()
		k.near.Recv(0, k.c, &k.b, packet.BatchSize)
		for _, p := range k.b.Packets() {
			all = append(all, content(p))
		}
		k.c.FreeBatch(&k.b)
		return len(all) >= n
	})
	return all
}

// send sends packets from the near end and returns how many went. It does so
// where a worker is: in the namespace of the interface.
func (k *cable) send(frames ...[]byte) int {
	b := batch(k.t, k.c, frames...)
	n := 0
	k.ns.Do(func() error { n = k.near.Send(0, k.c, b.Packets()); return nil })
	k.c.FreeAll(b.Packets()[n:])
	return n
}

// frame returns an Ethernet frame of n bytes of a protocol nobody speaks.
func frame(n int, seed byte) []byte {
	f := pattern(n, seed)
	copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
	return f
}
