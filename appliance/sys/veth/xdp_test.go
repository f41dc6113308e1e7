// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/offloads"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/xdp"
)

// xdpOptions are those of a cable whose near end has AF_XDP sockets.
func xdpOptions(x xdp.Options) Options {
	o := options()
	o.XDP = &x
	return o
}

// hasProgram reports whether an XDP program is attached to the near end.
func (k *rig) hasProgram() bool {
	a := attrs(k.home, "near0")
	return a != nil && a.Xdp != nil && a.Xdp.Attached
}

// Frames go both ways through a cable with AF_XDP sockets, also through those
// that come in its place, and nothing is left of the last.
func TestXDP(t *testing.T) {
	for name, x := range map[string]xdp.Options{"native": {Mode: xdp.Native}, "generic": {Mode: xdp.Generic}, "shared": {FrameSize: 2048, SharedUMEM: true, BusyPoll: 10}} {
		t.Run(name, func(t *testing.T) {
			k := newRig(t, xdpOptions(x))
			if !k.hasProgram() || !k.noted("virtual cable from near0 to far0") || !k.noted("interface near0: AF_XDP, ") || x.Mode != xdp.AutoMode && !k.noted(name+" mode") {
				t.Errorf("%q", k.d.Notes())
			}
			k.exchange(60)
			k.exchange(1514)
			for i, end := range []func(){func() { k.away.Delete("far0") }, func() { k.home.Delete("near0") }} {
				end()
				k.remade(i + 1)
				k.exchange(1514)
			}
			testenv.Eventually(t, "the last one has the program", k.hasProgram)
			if err := k.d.SetConf(1400, nil, true); err != nil || attrs(k.home, "near0").MTU != 1400 || attrs(k.away, "far0").MTU != 1400 {
				t.Errorf("mtu: %v", err)
			}
			k.end()
			if n := len(links(k.home.Do)) + len(links(k.away.Do)); n != 2 {
				t.Errorf("%d interfaces are left, want lo twice", n)
			}
		})
	}
}

// Each incoming queue has one at the end for programs, or the kernel would use
// the first only.
func TestXDPQueues(t *testing.T) {
	o := xdpOptions(xdp.Options{})
	o.Incoming, o.Outgoing = 2, 3
	k := newRig(t, o)
	near, far := attrs(k.home, "near0"), attrs(k.away, "far0")
	if near.NumRxQueues != 3 || near.NumTxQueues != 3 || far.NumTxQueues != 2 {
		t.Errorf("%+v\n%+v", near, far)
	}
	k.exchange(60)
}

func TestXDPOffloads(t *testing.T) {
	for name, x := range map[string]xdp.Options{"native": {Mode: xdp.Native}, "generic": {Mode: xdp.Generic}} {
		t.Run(name, func(t *testing.T) {
			o := xdpOptions(x)
			o.Frames = 1024
			k := newRig(t, o)
			offloads.Check(t, k.away, "far0", k.d, offloads.Options{
				Drops:   func(c offloads.Case) bool { return x.Mode == xdp.Generic && c.Datagrams },
				Dropped: func() uint64 { in, _ := k.d.Dropped(); return in },
			})
		})
	}
}

func TestXDPErrors(t *testing.T) {
	k := newRig(t, options())
	large := xdpOptions(xdp.Options{})
	large.Large = true
	for _, o := range []Options{large, xdpOptions(xdp.Options{FrameSize: 3000}), xdpOptions(xdp.Options{Mode: xdp.Native, ZeroCopy: choice.On})} {
		o.Near, o.Far = "near1", "far1"
		if d, err := k.try(o); err == nil {
			d.Close()
			t.Errorf("%+v was opened", o.XDP)
		} else if errno.Code(err) == 0 {
			t.Error(err)
		}
	}
	if n := len(links(k.home.Do)); n != 2 { // lo and near0
		t.Errorf("%d interfaces: an attempt that failed left its cable", n)
	}
}
