// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// Both devices by the names that DPDK's users give them, joined.
func TestVhostAndVirtioUser(t *testing.T) {
	for _, k := range []struct{ vhost, virtio string }{
		{"eth_vhost_v0,iface=%s,queues=2", "virtio_user0,path=%s,queues=2,queue_size=128,mac=02:00:00:00:00:77"},
		{"net_vhost0,iface=%s,queues=2,client=1,tso=0", "virtio_user1,path=%s,queues=2,server=1,mrg_rxbuf=1"},
	} {
		t.Run(k.vhost[:9], func(t *testing.T) {
			w := newBench(t)
			path := t.TempDir() + "/s"
			a := w.open(vdevArg(fmt.Sprintf(k.vhost, path)))
			b := w.open(vdevArg(fmt.Sprintf(k.virtio, path)))
			for _, p := range []*port.Port{a, b} {
				if p.Queues(port.Inc) != 2 || p.Queues(port.Out) != 2 {
					t.Errorf("%d and %d queues", p.Queues(port.Inc), p.Queues(port.Out))
				}
				testenv.Eventually(t, "the link is up", func() bool { return p.Link().Up })
			}
			testenv.Eventually(t, "all queues are in use", func() bool { return strings.Contains(notes(a), "the driver uses 2 of 2 queue pairs") })
			if k.virtio[:12] == "virtio_user0" && (b.Config().MAC.String() != "02:00:00:00:00:77" || b.Config().SizeInc != 128) {
				t.Errorf("address %s, queues of %d", b.Config().MAC, b.Config().SizeInc)
			}
			for q := range 2 {
				for _, way := range []struct{ from, to *port.Port }{{a, b}, {b, a}} {
					frame := bytes.Repeat([]byte{byte(q), 2, 3}, 500)
					w.b.Add(w.c.New(frame))
					way.from.Send(q, w.c, &w.b)
					testenv.Eventually(t, "the frame arrives", func() bool { return way.to.Recv(q, w.c, &w.b, packet.BatchSize) == 1 })
					if !bytes.Equal(w.b.At(0).Bytes(), frame) {
						t.Errorf("% x", w.b.At(0).Bytes())
					}
					w.c.FreeBatch(&w.b)
				}
			}
			if s := a.Stats(port.Inc); s.Packets != 2 || s.Bytes != 3000 || s.Dropped != 0 {
				t.Errorf("%d packets, %d bytes, %d dropped", s.Packets, s.Bytes, s.Dropped)
			}
			if s := notes(a); !strings.Contains(s, path) || !strings.Contains(s, "the driver uses 2 of 2 queue pairs") {
				t.Error(s)
			}
			if err := a.SetConf(0, nil, false); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVhostQueues(t *testing.T) {
	_, err := tryQueues(vdevArg("eth_vhost0,iface=/tmp/bess-no-such-socket,queues=2"), 3, 1)
	if err == nil || !strings.Contains(err.Error(), "num_inc_q: 3: the device has 2") {
		t.Error(err)
	}
}
