// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// What one port let in uncut, another one sends.
var _ port.LargeSender = (*device)(nil)

func TestMain(m *testing.M) { testenv.Main(m) }

// at opens a port in a namespace, with two queues each way.
func at(ns *testenv.Namespace, arg *TAPPortArg) (p *port.Port, err error) {
	cfg := port.Config{Name: "p0", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, NumInc: 2, NumOut: 2, SizeInc: 256, SizeOut: 256}
	err = ns.Run(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
	return p, err
}

func mustAt(t *testing.T, ns *testenv.Namespace, arg *TAPPortArg) *port.Port {
	t.Helper()
	p, err := at(ns, arg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Device.Close)
	return p
}

func TestInterfaceInANamespace(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	for _, k := range []struct {
		arg       *TAPPortArg
		where     *testenv.Namespace
		name, mac string
		mtu       int
	}{
		{&TAPPortArg{}, home, "p0", "02:00:00:00:00:01", 1500},
		{&TAPPortArg{Ifname: "eth7", Mac: "02:00:00:00:00:07", Mtu: 9000, Addresses: []string{"10.7.0.1/24"},
			Namespace: &TAPPortArg_Netns{Netns: away.Path()}}, away, "eth7", "02:00:00:00:00:07", 9000},
	} {
		p := mustAt(t, home, k.arg)
		k.where.Link(k.name, func(l netlink.Link) error {
			a := l.Attrs()
			addrs, err := netlink.AddrList(l, netlink.FAMILY_V4)
			if a.HardwareAddr.String() != k.mac || a.MTU != k.mtu || a.NumTxQueues < 2 || len(addrs) != len(k.arg.Addresses) {
				t.Errorf("%+v with %v", a, addrs)
			}
			return err
		})
		if c := p.Config(); c.MAC.String() != k.mac || c.MTU != k.mtu || !p.Link().Up || p.Link().SpeedMbps != 0 {
			t.Errorf("%+v, %+v", c, p.Link())
		}
		if err := p.SetConf(9001, net.HardwareAddr{2, 0, 0, 0, 0, 9}, false); err != nil || p.Link().Up || p.Config().MTU != 9001 ||
			p.Present().MTU != 9001 || p.Present().MAC[5] != 9 {
			t.Errorf("set down: %v, %+v", err, p.Link())
		}
	}
}

func TestErrors(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	ns.Veth("taken", "other")
	for _, k := range []struct {
		arg  *TAPPortArg
		code int
		text string
	}{
		{&TAPPortArg{Ifname: "sixteen-bytes-xx"}, errno.EINVAL, "has 16 bytes"},
		{&TAPPortArg{Ifname: "taken"}, errno.EEXIST, "interface taken: exists already"},
		{&TAPPortArg{Mac: "02:00"}, errno.EINVAL, `mac: "02:00": must be like`},
		{&TAPPortArg{Mac: "01:00:00:00:00:00"}, errno.EINVAL, `mac: "01:00:00:00:00:00": must be the address of one station`},
		{&TAPPortArg{Mtu: 67}, errno.EINVAL, "mtu 67"},
		{&TAPPortArg{Addresses: []string{"x"}}, errno.EINVAL, `address "x"`},
		{&TAPPortArg{Namespace: &TAPPortArg_Netns{Netns: "/dev/null"}}, errno.EINVAL, "netns: /dev/null: is not a network namespace"},
		{&TAPPortArg{Namespace: &TAPPortArg_Pid{Pid: 1 << 22}}, errno.ESRCH, "pid: process 4194304 does not exist"},
		{&TAPPortArg{Namespace: &TAPPortArg_Container{Container: "-x"}}, errno.EINVAL, `container: container "-x"`},
	} {
		_, err := at(ns, k.arg)
		if errno.Code(err) != k.code || !strings.Contains(err.Error(), k.text) {
			t.Errorf("errno %d: %v, want %d: …%s…", errno.Code(err), err, k.code, k.text)
		}
	}
}

// forward takes packets from each port to the other until the test ends, as a
// worker would.
func forward(t *testing.T, ports ...*port.Port) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		c := pool.NewCache()
		defer c.Close()
		var b packet.Batch
		for {
			select {
			case <-stop:
				return
			default:
			}
			for i, p := range ports {
				for q := range p.Queues(port.Inc) {
					p.Recv(q, c, &b, packet.BatchSize)
					ports[1-i].Send(q, c, &b)
				}
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		over.Wait()
		if n := pool.Available(); n != 1024 {
			t.Errorf("%d of 1024 buffers are free in the end", n)
		}
		pool.Close()
	})
}

func TestPing(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	if _, err := exec.LookPath("ping"); err != nil {
		testenv.Skip(t, testenv.NoProgram, "ping")
	}
	testenv.NoLeaks(t)
	home, a, b := testenv.Netns(t), testenv.Netns(t), testenv.Netns(t)
	var ports []*port.Port
	for i, ns := range []*testenv.Namespace{a, b} {
		ports = append(ports, mustAt(t, home, &TAPPortArg{Ifname: "eth0", Mac: fmt.Sprintf("02:00:00:00:00:0%d", i+1),
			Namespace: &TAPPortArg_Netns{Netns: ns.Path()}, Addresses: []string{fmt.Sprintf("10.7.0.%d/24", i+1)}}))
	}
	forward(t, ports...)
	a.Do(func() error {
		out, err := exec.Command("ping", "-c", "5", "-i", "0.05", "-w", "20", "-s", "1472", "10.7.0.2").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	if notes := strings.Join(ports[0].Notes(), "; "); !strings.Contains(notes, "incoming queue 1: ") || !strings.Contains(notes, "outgoing queue 0: ") {
		t.Error(notes)
	}
	if in, out := ports[0].Stats(port.Inc), ports[0].Stats(port.Out); in.Packets < 5 || out.Packets < 5 || out.Dropped != 0 {
		t.Errorf("%d in, %d out, %d dropped", in.Packets, out.Packets, out.Dropped)
	}
}
