// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package offloads

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Device is what is tested: one end of a cable.
type Device interface {
	Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int
	Send(q int, c *packet.Cache, ps []packet.Packet) int
}

// Options say what is different with a device.
type Options struct {
	// Large says that packets come in and leave in one piece.
	Large bool
	// Cannot names cases that the kernel does not let through, and why.
	Cannot func(c Case) (why string)
	// Drops reports whether the device drops a case, which must show in what
	// Dropped returns.
	Drops   func(c Case) bool
	Dropped func() uint64
}

// Check sends every case from the interface at the other end of the device's
// cable, looks at what the device receives, sends that back and looks at what
// arrives.
func Check(t *testing.T, ns *testenv.Namespace, far string, d Device, o Options) {
	t.Helper()
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	k := &checker{t: t, d: d, o: o, c: pool.NewCache()}
	defer k.c.Close()
	ns.Link(far, func(l netlink.Link) (err error) {
		if k.fd, err = sys.OpenPacketSender(l.Attrs().Index, sys.SenderOptions{Header: true}); err != nil {
			return err
		}
		k.end, err = pktio.OpenInterface(far, pktio.InterfaceOptions{Receive: true, Frames: 256})
		return err
	})
	defer func() { sys.CloseFD(k.fd); k.end.Close() }()
	for _, c := range Cases() {
		k.check(c)
	}
}

type checker struct {
	t   *testing.T
	d   Device
	o   Options
	c   *packet.Cache
	fd  int
	end *pktio.Interface
}

func (k *checker) check(c Case) {
	k.t.Helper()
	if k.o.Cannot != nil {
		if why := k.o.Cannot(c); why != "" {
			k.t.Logf("%s: %s", c.Name, why)
			return
		}
	}
	head := make([]byte, sys.VnetSize)
	c.Header.Put(head)
	var before uint64
	drops := k.o.Drops != nil && k.o.Drops(c)
	if drops {
		before = k.o.Dropped()
	}
	if _, err := syscall.Write(k.fd, append(head, c.Frame...)); err != nil {
		k.t.Fatalf("%s: the kernel refuses it: %v", c.Name, err)
	}
	if drops {
		testenv.Eventually(k.t, c.Name+" is dropped and counted", func() bool {
			var b packet.Batch
			return k.d.Recv(0, k.c, &b, packet.BatchSize) == 0 && k.o.Dropped() > before
		})
		return
	}
	var b packet.Batch
	testenv.Eventually(k.t, c.Name+" is received", func() bool {
		k.d.Recv(0, k.c, &b, b.Room())
		return b.Len() >= len(c.Want) || k.o.Large && b.Len() > 0
	})
	if !k.o.Large || c.Header.Kind == 0 {
		k.same(c.Name+", received", b.Packets(), c.Want)
	} else if p := b.At(0); b.Len() != 1 || p.Flags()&packet.FlagLarge == 0 || p.TotalLen() != len(c.Frame) {
		k.t.Errorf("%s: %d packets, the first of %d bytes", c.Name, b.Len(), p.TotalLen())
	}
	if n := k.d.Send(0, k.c, b.Packets()); n != b.Len() {
		k.t.Errorf("%s: %d of %d packets are sent", c.Name, n, b.Len())
		k.c.FreeAll(b.Packets()[n:])
	}
	b.Clear()
	testenv.Eventually(k.t, c.Name+" arrives", func() bool {
		k.end.Recv(0, k.c, &b, b.Room())
		return b.Len() >= len(c.Want)
	})
	k.same(c.Name+", arrived", b.Packets(), c.Want)
	k.c.FreeBatch(&b)
}

func (k *checker) same(what string, have []packet.Packet, want [][]byte) {
	k.t.Helper()
	if len(have) != len(want) {
		k.t.Errorf("%s: %d packets, want %d", what, len(have), len(want))
		return
	}
	for i, p := range have {
		b := make([]byte, p.TotalLen())
		p.CopyOut(b)
		if !bytes.Equal(b, want[i]) {
			k.t.Errorf("%s: packet %d is\n%.90x (%d bytes), want\n%.90x (%d bytes)", what, i, b, len(b), want[i], len(want[i]))
			return
		}
	}
}
