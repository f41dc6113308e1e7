// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package afxdp

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/account"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// cable has a port at each end, in a namespace of its own.
type cable struct {
	t    testing.TB
	ns   *testenv.Namespace
	pool *packet.Pool
	c    *packet.Cache
}

func lay(t testing.TB) *cable {
	t.Helper()
	testenv.NoLeaks(t)
	hostif.SetDir(t.TempDir())
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	k := &cable{t: t, ns: testenv.Netns(t), pool: pool, c: pool.NewCache()}
	t.Cleanup(func() {
		k.c.Flush()
		if n := pool.Available(); n != 4096 {
			t.Errorf("%d of 4096 buffers are free in the end", n)
		}
		pool.Close()
	})
	k.ns.Do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name, a.NumRxQueues, a.NumTxQueues = "a", 2, 2
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "b", PeerNumRxQueues: 2, PeerNumTxQueues: 2})
	})
	return k
}

// try opens a port with two queues each way.
func (k *cable) try(arg *AFXDPPortArg) (p *port.Port, err error) {
	cfg := port.Config{Name: "port_" + arg.Ifname, NumInc: 2, NumOut: 2, SizeInc: 512, SizeOut: 50}
	err = k.ns.Run(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
	return p, err
}

func (k *cable) open(arg *AFXDPPortArg) *port.Port {
	k.t.Helper()
	p, err := k.try(arg)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(p.Device.Close)
	return p
}

// pass sends frames from a queue of one port and wants them at the other.
func (k *cable) pass(from, to *port.Port, frames ...[]byte) {
	k.t.Helper()
	var b packet.Batch
	for q := range 2 {
		for _, f := range frames {
			b.Add(k.c.New(f))
		}
		from.Send(q, k.c, &b)
		n := 0
		testenv.Eventually(k.t, "packets arrive", func() bool {
			for q := range 2 {
				to.Recv(q, k.c, &b, packet.BatchSize)
				for _, p := range b.Packets() {
					if !bytes.Equal(p.Bytes(), frames[n]) {
						k.t.Fatalf("%x, want %x", p.Bytes(), frames[n])
					}
					n++
				}
				k.c.FreeBatch(&b)
			}
			return n == len(frames)
		})
	}
}

func frames() (all [][]byte) {
	for n := 60; n <= 1514; n += 97 {
		all = append(all, append([]byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5}, bytes.Repeat([]byte{byte(n)}, n-14)...))
	}
	return all
}

// The interfaces are set up, packets go both ways, and all is undone.
func TestPort(t *testing.T) {
	for _, arg := range []*AFXDPPortArg{
		{},
		{Mode: "native", ZeroCopy: "off", FrameSize: 2048},
		{Mode: "generic", AlwaysWakeup: true, CompleteChecksums: "on", Promiscuous: true},
		{Mode: "auto", ZeroCopy: "auto", SharedUmem: true, BusyPollUs: 10, BusyPollBudget: 16, CompleteChecksums: "off"},
	} {
		k := lay(t)
		a := k.open(&AFXDPPortArg{Ifname: "a", Mode: arg.Mode, ZeroCopy: arg.ZeroCopy, FrameSize: arg.FrameSize, AlwaysWakeup: arg.AlwaysWakeup,
			CompleteChecksums: arg.CompleteChecksums, Promiscuous: arg.Promiscuous, SharedUmem: arg.SharedUmem, BusyPollUs: arg.BusyPollUs, BusyPollBudget: arg.BusyPollBudget})
		b := k.open(&AFXDPPortArg{Ifname: "b"})
		testenv.Eventually(t, "both are up", func() bool { return a.Link().Up && b.Link().Up })
		k.pass(a, b, frames()...)
		k.pass(b, a, frames()...)
		if s := a.Stats(port.Inc); s.Packets != 2*uint64(len(frames())) || s.Dropped != 0 || s.Bytes == 0 {
			t.Errorf("%+v", s)
		}
		if c := a.Config(); c.MTU != 1500 || c.MAC == nil || c.NumInc != 2 || a.Link().SpeedMbps != 10000 {
			t.Errorf("%+v", c)
		}
		if err := a.SetConf(1400, net.HardwareAddr{2, 0, 0, 0, 0, 1}, true); err != nil || a.Config().MTU != 1400 {
			t.Error(err)
		}
		a.Device.Close()
		b.Device.Close()
		k.ns.Link("a", func(l netlink.Link) error {
			if at := l.Attrs(); at.MTU != 1500 || at.Flags&net.FlagUp != 0 || at.Xdp != nil && at.Xdp.Attached || at.Promisc != 0 {
				t.Errorf("%+v", at)
			}
			return nil
		})
	}
}

func TestErrors(t *testing.T) {
	k := lay(t)
	k.open(&AFXDPPortArg{Ifname: "a"})
	for _, c := range []struct {
		arg  *AFXDPPortArg
		code int
		text string
	}{
		{&AFXDPPortArg{Ifname: "a"}, errno.EBUSY, `ifname: interface "a": is in use by port port_a`},
		{&AFXDPPortArg{Ifname: "nosuch"}, errno.ENODEV, `ifname: interface "nosuch": does not exist`},
		{&AFXDPPortArg{Ifname: "b", StartQueue: 1}, errno.EINVAL, `ifname: interface "b": start_queue: 1: 2 queues from there on (num_inc_q, num_out_q), the interface has 2 queues`},
		{&AFXDPPortArg{Ifname: "b", Mode: "x"}, errno.EINVAL, `mode: "x": must be auto, native or generic`},
		{&AFXDPPortArg{Ifname: "b", ZeroCopy: "x"}, errno.EINVAL, `zero_copy: "x": must be auto, on or off`},
		{&AFXDPPortArg{Ifname: "b", CompleteChecksums: "x"}, errno.EINVAL, `complete_checksums: "x": must be`},
		{&AFXDPPortArg{Ifname: "b", ZeroCopy: "on"}, errno.ENOTSUP, `interface "b": zero_copy: on: the driver does not do it: bind to queue 0: operation not supported`},
		{&AFXDPPortArg{Ifname: "b", FrameSize: 1000}, errno.EINVAL, `frame_size: 1000: must be`},
	} {
		p, err := k.try(c.arg)
		if err == nil {
			p.Device.Close()
		}
		if errno.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v", c.arg, err)
		}
	}
}

// What the kernel drops of what it was given counts as dropped, not as sent.
func TestAccountsForEveryPacket(t *testing.T) {
	for name, arg := range map[string]*AFXDPPortArg{
		"native": {Bursts: "off"}, "generic": {Mode: "generic", Bursts: "off"}, "bursts": {Bursts: "on"}, "busy": {BusyPollUs: 20, Bursts: "off"},
	} {
		t.Run(name, func(t *testing.T) {
			k := lay(t)
			k.ns.Delete("a")
			k.ns.Veth("a", "b")
			arg.Ifname = "a"
			cfg := port.Config{Name: "port_a", NumInc: 1, NumOut: 1, SizeInc: 64, SizeOut: 512}
			var p *port.Port
			k.ns.Do(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
			defer p.Device.Close()
			(&account.Account{T: t, Namespace: k.ns, Port: p, Near: "a", Far: "b", Cache: k.c}).Check()
		})
	}
}
