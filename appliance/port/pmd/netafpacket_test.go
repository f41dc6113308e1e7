// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

func TestAFPacket(t *testing.T) {
	w := newBench(t)
	ns := testenv.Netns(t)
	ns.Veth("a", "b")
	open := func(text string, inc, out int) (p *port.Port, err error) {
		err = ns.Run(func() (err error) { p, err = tryQueues(vdevArg(text), inc, out); return err })
		return p, err
	}
	_, err := open("net_af_packet0,iface=nosuch", 1, 1)
	expectError(t, err, errno.ENODEV, `Cannot attach vdev net_af_packet0,iface=nosuch: iface: interface "nosuch": does not exist`)
	_, err = open("net_af_packet0,iface=a,qpairs=2", 3, 1)
	expectError(t, err, errno.EINVAL, "qpairs: 2: the port asks for 3 incoming and 1 outgoing queues")
	a, err := open("net_af_packet0,iface=a,qpairs=2,framecnt=128,qdisc_bypass=1,framesz=2048,fanout_mode=lb", 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Device.Close()
	b, err := open("eth_af_packet1,iface=b", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Device.Close()
	_, err = open("net_af_packet2,iface=a", 1, 1)
	expectError(t, err, errno.EBUSY, `interface "a": is in use by port p0`)
	f := bytes.Repeat([]byte{2, 0, 0, 0, 0, 1}, 10)
	for range 4 {
		w.b.Add(w.c.New(f))
	}
	b.Send(0, w.c, &w.b)
	for q := range 2 {
		testenv.Eventually(t, "each queue gets two packets", func() bool { return a.Recv(q, w.c, &w.b, 64) == 2 })
		a.Send(q, w.c, &w.b)
	}
	testenv.Eventually(t, "all come back", func() bool { b.Recv(0, w.c, &w.b, 64); return w.b.Len() == 4 })
	w.c.FreeBatch(&w.b)
	if cfg := a.Config(); cfg.SizeInc != 128 || cfg.MTU != 1500 || a.WaitFD(1) < 0 || !a.Link().Up {
		t.Errorf("%+v", cfg)
	}
	if n := notes(a); !strings.Contains(n, "incoming queue 1: 2 packets, 0 dropped") || !strings.Contains(n, "outgoing queue 1: 2 packets") {
		t.Error(n)
	}
	if err := a.SetConf(3000, nil, true); errno.Code(err) != errno.EINVAL {
		t.Error(err)
	}
	if err := a.SetConf(1400, nil, true); err != nil {
		t.Error(err)
	}
}
