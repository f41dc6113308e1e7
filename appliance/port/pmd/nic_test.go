// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
)

// twoQueues makes a cable with two queues at either end.
func twoQueues(ns *testenv.Namespace) {
	ns.Do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name, a.NumRxQueues, a.NumTxQueues = "a", 2, 2
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "b", PeerNumRxQueues: 2, PeerNumTxQueues: 2})
	})
}

// exchange sends packets both ways and wants each to arrive.
func (w *bench) exchange(a, b *port.Port) {
	w.t.Helper()
	testenv.Eventually(w.t, "both are up", func() bool { return a.Link().Up && b.Link().Up })
	f := bytes.Repeat([]byte{2, 0, 0, 0, 0, 1}, 10)
	for _, k := range []struct{ from, to *port.Port }{{a, b}, {b, a}} {
		for q := range k.from.Queues(port.Out) {
			w.b.Add(w.c.New(f))
			k.from.Send(q, w.c, &w.b)
			testenv.Eventually(w.t, "the packet arrives", func() bool {
				for q := range k.to.Queues(port.Inc) {
					if k.to.Recv(q, w.c, &w.b, 64) > 0 {
						return true
					}
				}
				return false
			})
			if got := w.b.Packets()[0].Bytes(); !bytes.Equal(got, f) {
				w.t.Errorf("%x", got)
			}
			w.c.FreeBatch(&w.b)
		}
	}
}

func TestAFXDP(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	twoQueues(ns)
	open := func(arg *PMDPortArg, inc, out int) (p *port.Port, err error) {
		err = ns.Run(func() (err error) { p, err = tryQueues(arg, inc, out); return err })
		return p, err
	}
	_, err := open(vdevArg("net_af_xdp0,iface=a,queue_count=1"), 2, 1)
	expectError(t, err, errno.EINVAL, "queue_count: 1: the port asks for 2 incoming and 1 outgoing queues")
	_, err = open(vdevArg("net_af_xdp0,iface=a,start_queue=1,queue_count=2"), 2, 2)
	expectError(t, err, errno.EINVAL, `Cannot attach vdev net_af_xdp0,iface=a,start_queue=1,queue_count=2: iface: interface "a": start_queue: 1: 2 queues from there on (num_inc_q, num_out_q), the interface has 2 queues`)
	arg := vdevArg("net_af_xdp0,iface=a,start_queue=0,queue_count=2,shared_umem=1,busy_budget=64,force_copy=1")
	arg.PromiscuousMode = true
	a, err := open(arg, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Device.Close()
	b, err := open(vdevArg("net_af_xdp1,iface=b"), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Device.Close()
	w.exchange(a, b)
	for _, want := range []string{"AF_XDP, native mode, copy, 2 queues from 0", "shared memory", "busy poll"} {
		if !strings.Contains(notes(a), want) {
			t.Errorf("%q is not in %q", want, notes(a))
		}
	}
	ns.Link("a", func(l netlink.Link) error {
		if l.Attrs().Promisc != 1 {
			t.Error("not promiscuous")
		}
		return nil
	})
	if s := b.Stats(port.Out); s.Packets != 1 || s.Dropped != 0 || a.WaitFD(1) < 0 {
		t.Errorf("%+v", s)
	}
	if err := a.SetConf(3000, nil, true); errno.Code(err) != errno.EINVAL {
		t.Error(err)
	}
	if err := a.SetConf(1400, net.HardwareAddr{2, 0, 0, 0, 0, 7}, true); err != nil || a.Config().MTU != 1400 {
		t.Error(err)
	}
}

// numbered gives the list of interfaces for one test.
func numbered(t *testing.T, names ...string) {
	netinfo.SetNumbered(names)
	t.Cleanup(func() { netinfo.SetNumbered(nil) })
}

// A client that looks for its devices opens one number after the other until
// the answer is ENODEV, and compares addresses.
func TestPortIDs(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	twoQueues(ns)
	numbered(t, "b", "a", "gone")
	open := func(id uint64) (p *port.Port, err error) {
		err = ns.Run(func() (err error) { p, err = tryQueues(idArg(id), 2, 2); return err })
		return p, err
	}
	var ports []*port.Port
	for i, name := range []string{"b", "a"} {
		p, err := open(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Device.Close()
		ns.Link(name, func(l netlink.Link) error {
			if got := p.Config().MAC.String(); got != l.Attrs().HardwareAddr.String() {
				t.Errorf("port id %d has address %s", i, got)
			}
			return nil
		})
		ports = append(ports, p)
	}
	w.exchange(ports[0], ports[1])
	_, err := open(0)
	expectError(t, err, errno.EBUSY, `Cannot attach port id 0: iface: interface "b": is in use by port p0`)
	_, err = open(2)
	expectError(t, err, errno.ENODEV, `Cannot attach port id 2: iface: interface "gone": does not exist`)
	_, err = open(3)
	expectError(t, err, errno.ENODEV, "Port id 3 is not available")
}

// What has no queue for AF_XDP is driven through packet sockets, and the
// reason is told.
func TestFallsBackToPacketSockets(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	numbered(t, "a", "b")
	var ps [2]*port.Port
	for i := range ps {
		ns.Do(func() (err error) { ps[i], err = tryQueues(idArg(uint64(i)), 2-i, 2-i); return err })
		defer ps[i].Device.Close()
	}
	if n := notes(ps[0]); !strings.Contains(n, `not AF_XDP: iface: interface "a": start_queue: 0: 2 queues from there on (num_inc_q, num_out_q), the interface has 1 queue`) {
		t.Error(n)
	}
	if n := notes(ps[1]); !strings.Contains(n, "AF_XDP, native mode") {
		t.Error(n)
	}
	w.exchange(ps[0], ps[1])
}

// What is told of the queues is what they have.
func TestAFXDPQueueSizes(t *testing.T) {
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	ns.Do(func() error {
		p, err := port.Open(Driver, port.Config{Name: "p", NumInc: 1, NumOut: 1, SizeInc: 100, SizeOut: 10}, vdevArg("net_af_xdp0,iface=a"), nil)
		if err != nil {
			return err
		}
		defer p.Device.Close()
		if c := p.Config(); c.SizeInc != 128 || c.SizeOut != 64 {
			t.Errorf("queues of %d and %d, want 128 and 64", c.SizeInc, c.SizeOut)
		}
		return nil
	})
}

// AF_XDP would not see the packets of queues that the port does not have.
func TestMoreQueuesThanThePort(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	twoQueues(ns)
	numbered(t, "a", "b")
	var ps [2]*port.Port
	for i := range ps {
		ns.Do(func() (err error) { ps[i], err = tryQueues(idArg(uint64(i)), 1+i, 1+i); return err })
		defer ps[i].Device.Close()
	}
	if n := notes(ps[0]); !strings.Contains(n, `not AF_XDP: interface "a" has 2 incoming queues, the port 1: let the port (num_inc_q) or the interface (ethtool -L) have as many as the other`) {
		t.Error(n)
	}
	if n := notes(ps[1]); !strings.Contains(n, "AF_XDP, native mode") {
		t.Error(n)
	}
	w.exchange(ps[0], ps[1])
	for i, large := range []bool{true, false} { // as packet sockets do
		if _, ok := ps[i].Device.(port.LargeSender); ok != large {
			t.Errorf("port %d sends packets of several pieces: %t", i, ok)
		}
	}
}

// sysfs makes directories as those the kernel shows of a device.
func sysfs(t *testing.T, files map[string]string) {
	t.Helper()
	old := netinfo.Sysfs
	netinfo.Sysfs = t.TempDir()
	t.Cleanup(func() { netinfo.Sysfs = old })
	for name, text := range files {
		path := filepath.Join(netinfo.Sysfs, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPCI(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	sysfs(t, map[string]string{
		"bus/pci/devices/0000:02:1f.7/net/a/x":         "",
		"bus/pci/devices/0001:0a:00.0/virtio3/net/b/x": "",
		"bus/pci/devices/0000:02:00.0/vfio":            "",
		"bus/pci/devices/0000:02:01.0/net/elsewhere/x": "",
		"class/net/a/device/numa_node":                 "1\n",
		"class/net/b/device/numa_node":                 "-1\n",
	})
	open := func(address string) (p *port.Port, err error) {
		err = ns.Run(func() (err error) { p, err = tryQueues(pciArg(address), 1, 1); return err })
		return p, err
	}
	for _, address := range []string{"02:00.0", "02:01.0", "02:02.0"} {
		_, err := open(address)
		if errno.Code(err) != errno.ENODEV || err.Error() != "Cannot attach PCI device "+address {
			t.Error(err)
		}
	}
	a, err := open("2:1F.7")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Device.Close()
	b, err := open("1:a:0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Device.Close()
	w.exchange(a, b)
	if m := a.Device.(port.Noder).NodeMask(); m != 1<<1 {
		t.Errorf("%x", m)
	}
	if m := b.Device.(port.Noder).NodeMask(); m != ^uint64(0) {
		t.Errorf("%x", m)
	}
}

// Without a list nothing is taken that has no hardware.
func TestPortIDsWithoutList(t *testing.T) {
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	err := ns.Run(func() error { _, err := try(idArg(0)); return err })
	expectError(t, err, errno.ENODEV, "Port id 0 is not available")
}
