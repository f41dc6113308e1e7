// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package account checks what ports say of the packets they were to send.
package account

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// Account sends more than gets through out of a port at one end of a veth pair
// and checks that its statistics tell what became of every packet: as many
// packets and bytes as they say were sent come to the other end, and the rest
// was dropped. The far end is in the same namespace, with nobody at it.
//
//	statistics    sent     |      dropped
//	              |        |      |     |
//	far end    arrived     |   refused  | not even tried
//	                         tx_dropped
type Account struct {
	T         *testing.T
	Namespace *testenv.Namespace
	Port      *port.Port
	Near, Far string
	Cache     *packet.Cache
	// Slow says that the port first has to hear, and to note, that there is no link.
	Slow bool

	listener        int
	offered         uint64
	arrived, octets uint64
}

// Check does it: with a far end that does not drain, that takes only some of
// the frames, and that is down.
func (a *Account) Check() {
	a.T.Helper()
	a.listen()
	defer func() { _ = syscall.Close(a.listener) }()
	size := func(i int) int { return 60 + i%7 }

	a.Namespace.Stall(a.Near, a.Far, 200*time.Millisecond)
	testenv.Eventually(a.T, "something is dropped", func() bool {
		for range 24 {
			a.send(size)
		}
		return a.dropped() > 0
	})
	a.settle("a far end that does not drain")
	a.Namespace.Stall(a.Near, a.Far, 0)

	a.Namespace.Link(a.Far, func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1000) })
	before, arrived := a.dropped(), a.arrived
	for range 8 {
		a.send(func(i int) int { return 900 + i%4*60 }) // 1020 + 60 is too long
	}
	a.settle("a far end with a smaller MTU")
	if a.dropped() == before || a.arrived == arrived {
		a.T.Errorf("a far end with a smaller MTU: %d dropped, %d arrived", a.dropped()-before, a.arrived-arrived)
	}

	a.Namespace.Up(a.Far, false)
	testenv.Eventually(a.T, "the port has heard that there is no link", func() bool {
		return !a.Slow || strings.Contains(strings.Join(a.Port.Notes(), "\n"), "has no link")
	})
	before, arrived = a.dropped(), a.arrived
	for range 4 {
		a.send(size)
	}
	testenv.Eventually(a.T, "all are dropped", func() bool { return a.dropped()-before == 4*some })
	a.settle("a far end that is down")
	if a.arrived != arrived {
		a.T.Errorf("a far end that is down: %d arrived", a.arrived-arrived)
	}
}

// dropped returns what the port says it dropped.
func (a *Account) dropped() uint64 { return a.Port.Stats(port.Out).Dropped }

// listen makes a socket at the far end that has room for everything.
func (a *Account) listen() {
	a.T.Helper()
	a.Namespace.Link(a.Far, func(l netlink.Link) (err error) {
		all := binary.NativeEndian.Uint16([]byte{0, syscall.ETH_P_ALL})
		if a.listener, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		if err := syscall.SetsockoptInt(a.listener, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 64<<20); err != nil {
			return err
		}
		if err := syscall.SetsockoptInt(a.listener, syscall.SOL_PACKET, ignoreOutgoing, 1); err != nil {
			return err
		}
		return syscall.Bind(a.listener, &syscall.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index})
	})
}

// ignoreOutgoing is PACKET_IGNORE_OUTGOING (linux/if_packet.h).
const ignoreOutgoing = 23

// some is how many packets are offered at once: fewer than a driver polls for, or
// the kernel does not hold it back.
const some = packet.BatchSize - 4

// send offers a batch to the port, where a worker would be.
func (a *Account) send(size func(i int) int) {
	a.T.Helper()
	var b packet.Batch
	for i := range some {
		f := make([]byte, size(i))
		copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
		p := a.Cache.New(f)
		if p == 0 {
			a.T.Fatal("no buffer")
		}
		b.Add(p)
	}
	a.Namespace.Do(func() error { a.Port.Send(0, a.Cache, &b); return nil })
	a.offered += some
}

// settle waits until the statistics tell of all that was offered, and compares
// them with what arrived.
func (a *Account) settle(when string) {
	a.T.Helper()
	var s port.Stats
	testenv.Eventually(a.T, "all has been sent or dropped, with "+when, func() bool {
		a.drain()
		s = a.Port.Stats(port.Out)
		return s.Packets+s.Dropped == a.offered && a.arrived >= s.Packets
	})
	a.drain()
	if s.Packets != a.arrived || s.Bytes != a.octets {
		a.T.Errorf("%s: %d packets of %d bytes were sent, says the port; %d of %d arrived", when, s.Packets, s.Bytes, a.arrived, a.octets)
	}
	refused := uint64(0)
	a.Namespace.Link(a.Near, func(l netlink.Link) error { refused = l.Attrs().Statistics.TxDropped; return nil })
	if refused > s.Dropped {
		a.T.Errorf("%s: %d dropped, says the port; the interface refused %d", when, s.Dropped, refused)
	}
	a.T.Logf("%s: %d offered, %d sent, %d dropped, %d of them refused by the interface", when, a.offered, s.Packets, s.Dropped, refused)
}

// drain counts what has arrived.
func (a *Account) drain() {
	var buf [2048]byte
	for {
		n, err := syscall.Read(a.listener, buf[:])
		if err != nil {
			return
		}
		a.arrived, a.octets = a.arrived+1, a.octets+uint64(n)
	}
}
