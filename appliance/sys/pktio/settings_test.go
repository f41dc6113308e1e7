// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

func (k *cable) noted(text string) bool {
	return slices.ContainsFunc(k.near.Notes(), func(n string) bool { return strings.Contains(n, text) })
}

// idle reports whether a worker could sleep on the descriptor.
func (k *cable) idle() bool {
	p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 0
}

// A port that found the interface up since another had set it up keeps it so.
func TestTwoSetTheInterfaceUp(t *testing.T) {
	k := connect(t, both())
	k.near.Close()
	k.ns.Link("near", netlink.LinkSetDown)
	o := both()
	o.Up = true
	k.open(o)
	first := k.near
	k.open(o)
	first.Close()
	if l := k.near.Link(); !l.Up {
		t.Error("down with the first one")
	}
	k.near.Close()
	k.ns.Link("near", func(l netlink.Link) error {
		if l.Attrs().Flags&net.FlagUp != 0 {
			t.Error("left up")
		}
		return nil
	})
}

func TestInterfaceGoesDownAndComesBack(t *testing.T) {
	k := connect(t, both())
	if l := k.near.Link(); !l.Up || l.SpeedMbps != 10000 || !l.FullDuplex {
		t.Errorf("%+v", l)
	}
	for i := range uint64(3) {
		k.ns.Up("near", false)
		testenv.Eventually(t, "the worker can sleep", k.idle)
		if n := k.send(frame(60, 1)); n != 0 {
			t.Error("sent through an interface that is down")
		}
		if k.near.Recv(0, k.c, &k.b, 64) != 0 || k.near.Link().Up || !k.noted("near is down") {
			t.Errorf("down, but %+v, %q", k.near.Link(), k.near.Notes())
		}
		if got := k.near.downs.Load(); got != i+1 {
			t.Errorf("went down %d times, want %d", got, i+1)
		}
		k.ns.Up("near", true)
		testenv.Eventually(t, "the link is up", func() bool { return k.near.Link().Up })
		// Either end forwards a moment later than it says that it is up.
		testenv.Eventually(t, "packets are received again", func() bool {
			k.put(frame(60, 2))
			k.b.Clear()
			defer k.c.FreeBatch(&k.b)
			return k.near.Recv(0, k.c, &k.b, 64) > 0
		})
		testenv.Eventually(t, "packets are sent again", func() bool { return k.send(frame(60, 3)) == 1 })
		k.get(1)
	}
	k.ns.Up("far", false)
	testenv.Eventually(t, "the carrier is lost", func() bool { return !k.near.Link().Up })
}

func TestInterfaceDisappears(t *testing.T) {
	k := connect(t, both())
	k.put(frame(60, 1), frame(60, 2))
	if err := k.near.SetConf(1400, nil, true); err != nil {
		t.Fatal(err)
	}
	k.ns.Delete("far")
	testenv.Eventually(t, "it is noticed", func() bool { return k.noted("near is gone") })
	same(t, k.recv(2), [][]byte{frame(60, 1), frame(60, 2)}) // came before
	testenv.Eventually(t, "the worker can sleep", k.idle)
	if n := k.send(frame(60, 3)); n != 0 {
		t.Error("sent through an interface that is gone")
	}
	if l := k.near.Link(); l != (hostif.Link{}) {
		t.Errorf("%+v", l)
	}
	if err := k.near.SetConf(1500, nil, true); err == nil {
		t.Error("settings of an interface that is gone were changed")
	}
	if mtu, mac := k.near.Address(); mtu != 0 || mac != nil {
		t.Error(mtu, mac)
	}
}

// attrs returns what the kernel says of the near end.
func (k *cable) attrs() (a netlink.LinkAttrs) {
	k.ns.Link("near", func(l netlink.Link) error { a = *l.Attrs(); return nil })
	return a
}

func TestInterfaceSettingsAreRestored(t *testing.T) {
	k := connect(t, both())
	before := k.attrs()
	mac := net.HardwareAddr{2, 1, 2, 3, 4, 5}
	if err := k.near.SetConf(1400, mac, true); err != nil {
		t.Fatal(err)
	}
	if a := k.attrs(); a.MTU != 1400 || !bytes.Equal(a.HardwareAddr, mac) || a.Flags&net.FlagUp == 0 {
		t.Fatalf("%+v", a)
	}
	if mtu, now := k.near.Address(); mtu != 1400 || !bytes.Equal(now, mac) {
		t.Fatal(mtu, now)
	}
	if err := k.near.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	if a := k.attrs(); a.MTU != 1400 || !bytes.Equal(a.HardwareAddr, mac) || a.Flags&net.FlagUp != 0 {
		t.Fatalf("%+v", a)
	}
	k.near.Close()
	if a := k.attrs(); a.MTU != before.MTU || !bytes.Equal(a.HardwareAddr, before.HardwareAddr) || a.Flags&net.FlagUp == 0 {
		t.Fatalf("after Close: %+v", a)
	}
	k.open(both())
}

func TestInterfaceSettingsAreChangedAsAWhole(t *testing.T) {
	k := connect(t, both())
	before := k.attrs()
	multicast := net.HardwareAddr{1, 0, 0, 0, 0, 1}
	for _, c := range []struct {
		mtu int
		mac net.HardwareAddr
	}{{1 << 20, nil}, {1300, multicast}} {
		err := k.near.SetConf(c.mtu, c.mac, false)
		if errno.Code(err) == 0 || !strings.Contains(err.Error(), "interface near") {
			t.Errorf("mtu %d, address %v: %v", c.mtu, c.mac, err)
		}
		if a := k.attrs(); a.MTU != before.MTU || !bytes.Equal(a.HardwareAddr, before.HardwareAddr) || a.Flags&net.FlagUp == 0 {
			t.Fatalf("%+v", a)
		}
	}
}

func TestInterfaceIsSetUp(t *testing.T) {
	k := connect(t, InterfaceOptions{Send: true})
	k.near.Close()
	k.ns.Up("near", false)
	o := both()
	k.open(o)
	if k.attrs().Flags&net.FlagUp != 0 || !k.noted("near is down") {
		t.Fatal("set up unasked")
	}
	k.near.Close()
	o.Up = true
	k.open(o)
	if k.attrs().Flags&net.FlagUp == 0 {
		t.Fatal("not set up")
	}
	k.near.Close()
	if k.attrs().Flags&net.FlagUp != 0 {
		t.Fatal("left up")
	}
	k.open(o)
}
