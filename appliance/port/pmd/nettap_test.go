// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"net"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// What one port let in uncut, another one sends.
var _ port.LargeSender = (*netTap)(nil)

// openQueuesIn opens a port with several queues in a namespace.
func (w *bench) openQueuesIn(ns *testenv.Namespace, arg *PMDPortArg, inc, out int) *port.Port {
	w.t.Helper()
	var p *port.Port
	ns.Do(func() (err error) { p, err = tryQueues(arg, inc, out); return err })
	return p
}

func TestTap(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	for _, k := range []struct {
		vdev, name, mac string
		queues          int
	}{
		{"net_tap3", "dtap3", "", 1},
		{"net_tap", "dtap0", "", 1},
		{"eth_tap0,iface=foo,mac=02:00:00:00:00:09", "foo", "02:00:00:00:00:09", 3},
		{"net_tap_x,iface=bar,mac=fixed", "bar", "00:64:74:61:70:00", 1},
	} {
		t.Run(k.vdev, func(t *testing.T) {
			w := newBench(t)
			ns := testenv.Netns(t)
			p := w.openQueuesIn(ns, vdevArg(k.vdev), k.queues, 2)
			defer p.Device.Close()
			ns.Link(k.name, func(l netlink.Link) error {
				if have := l.Attrs().HardwareAddr.String(); k.mac != "" && (have != k.mac || p.Config().MAC.String() != k.mac) {
					t.Errorf("address %s, want %s", have, k.mac)
				}
				return nil
			})
			if l := p.Link(); !l.Up || p.Queues(port.Inc) != k.queues || !strings.Contains(notes(p), "interface "+k.name) || p.WaitFD(0) < 0 {
				t.Errorf("%+v, %d queues, %q", l, p.Queues(port.Inc), notes(p))
			}
			if err := p.SetConf(1400, net.HardwareAddr{2, 0, 0, 0, 0, 5}, false); err != nil {
				t.Fatal(err)
			}
			ns.Link(k.name, func(l netlink.Link) error {
				if a := l.Attrs(); a.MTU != 1400 || a.HardwareAddr.String() != "02:00:00:00:00:05" || a.Flags&net.FlagUp != 0 {
					t.Errorf("%+v", a)
				}
				return nil
			})
			expectError(t, p.SetConf(2049, nil, true), errno.EINVAL, "mtu should be >= 68 and <= 2048")
			if p.Recv(0, w.c, &w.b, 64) != 0 || p.Stats(port.Inc).Dropped != 0 {
				t.Error("something came from nowhere")
			}
			w.c.AllocBatch(&w.b, 3, 60)
			p.SetConf(0, nil, true)
			p.Send(1, w.c, &w.b)
			if s := p.Stats(port.Out); s.Packets != 3 || s.Dropped != 0 {
				t.Errorf("%d sent, %d dropped", s.Packets, s.Dropped)
			}
		})
	}
}

func TestTapNameIsTaken(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	ns.Veth("dtap1", "other")
	err := ns.Run(func() error { _, err := try(vdevArg("net_tap1")); return err })
	expectError(t, err, errno.EEXIST, "Cannot attach vdev net_tap1: interface dtap1: exists already")
}
