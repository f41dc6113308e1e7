// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

func TestCableIsWhatWasAskedFor(t *testing.T) {
	o := options()
	o.MTU, o.Addresses, o.Incoming, o.Outgoing = 9000, []string{"10.7.0.1/24", "10.8.0.1", "10.9.0.1/16"}, 2, 3
	k := newRig(t, o)
	near, far := attrs(k.home, "near0"), attrs(k.away, "far0")
	if near == nil || far == nil || attrs(k.home, "far0") != nil || attrs(k.away, "near0") != nil {
		t.Fatalf("the ends are not where they should be: %+v, %+v", near, far)
	}
	if near.MTU != 9000 || far.MTU != 9000 || !bytes.Equal(near.HardwareAddr, nearMAC) || !bytes.Equal(far.HardwareAddr, farMAC) ||
		near.Flags&1 == 0 || far.Flags&1 == 0 || near.NumRxQueues != 3 || near.NumTxQueues != 3 {
		t.Errorf("%+v\n%+v", near, far)
	}
	if got := addresses(k.away, "far0"); got != "10.7.0.1/24 10.8.0.1/32 10.9.0.1/16" {
		t.Errorf("addresses of the far end: %q", got)
	}
	if got := addresses(k.home, "near0"); got != "" {
		t.Errorf("the near end has addresses: %q", got)
	}
	if want := "virtual cable from near0 to far0 in network namespace " + k.away.Path(); !k.noted(want) {
		t.Errorf("%q, want %q", k.d.Notes(), want)
	}
	k.exchange(9014)
	k.end()
	if attrs(k.home, "near0") != nil || attrs(k.away, "far0") != nil {
		t.Error("the cable outlived the device")
	}
}

// Both ends may be in one namespace. What was not asked for is as Ethernet has
// it.
func TestCableAtHome(t *testing.T) {
	k := newRig(t, options())
	d, err := k.try(Options{Near: "near1", Far: "far1", Incoming: 1, Outgoing: 1, Frames: 64})
	if err != nil {
		t.Fatal(err)
	}
	near, far := attrs(k.home, "near1"), attrs(k.home, "far1")
	if near == nil || far == nil || near.MTU != 1500 || far.MTU != 1500 || len(far.HardwareAddr) != 6 || bytes.Equal(near.HardwareAddr, far.HardwareAddr) {
		t.Errorf("%+v\n%+v", near, far)
	}
	if notes := d.Notes(); notes[0] != "virtual cable from near1 to far1" {
		t.Errorf("%q", notes)
	}
	d.Close()
	if attrs(k.home, "near1") != nil || attrs(k.home, "near0") == nil {
		t.Error("the wrong cable was removed")
	}
}

// The host must not look for IPv6 routers at the engine's end: its packets
// would be in the engine's traffic.
func TestNearEndIsSilent(t *testing.T) {
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		t.Skip("this host has no IPv6, so there is nothing to keep silent")
	}
	k := newRig(t, options())
	k.home.Do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("0"), 0o644) })
	d, err := k.try(Options{Near: "near1", Far: "far1", Incoming: 1, Outgoing: 1, Frames: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	// Each of the two is enough.
	for name, want := range map[string]string{"near1": "1", "far1": "0"} {
		for _, what := range []string{"disable_ipv6", "addr_gen_mode"} {
			k.home.Do(func() error {
				b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + name + "/" + what)
				if got := strings.TrimSpace(string(b)); got != want {
					t.Errorf("%s: %s is %s, want %s", name, what, got, want)
				}
				return err
			})
		}
	}
}

func TestOpenErrors(t *testing.T) {
	k := newRig(t, options())
	k.home.Veth("taken", "other")
	k.away.Veth("taken", "other")
	for _, c := range []struct {
		change func(*Options)
		code   int
		text   string
	}{
		{func(o *Options) { o.Near = "" }, errno.EINVAL, "name of the interface: is empty"},
		{func(o *Options) { o.Far = "" }, errno.EINVAL, "name of the interface: is empty"},
		{func(o *Options) { o.Near = "sixteen-bytes-xx" }, errno.EINVAL, `interface "sixteen-bytes-xx": the name has 16 bytes`},
		{func(o *Options) { o.Far = "sixteen-bytes-xx" }, errno.EINVAL, `interface "sixteen-bytes-xx": the name has 16 bytes`},
		{func(o *Options) { o.Near = "a/b" }, errno.EINVAL, `interface "a/b": a name must not contain`},
		{func(o *Options) { o.Far = "veth%d" }, errno.EINVAL, `interface "veth%d": a name must not contain`},
		{func(o *Options) { o.Far = ".." }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.Far = "a\x00b" }, errno.EINVAL, "must not contain"},
		{func(o *Options) { o.Far, o.Where = o.Near, netns.Target{} }, errno.EINVAL, "interface near1: both ends are here"},
		{func(o *Options) { o.MTU = 67 }, errno.EINVAL, "mtu 67"},
		{func(o *Options) { o.MTU = 65522 }, errno.EINVAL, "mtu 65522"},
		{func(o *Options) { o.Addresses = []string{"10.0.0.1/33"} }, errno.EINVAL, `address "10.0.0.1/33"`},
		{func(o *Options) { o.Addresses = []string{"10.7.0.2/24", "10.7.0.2/24"} }, errno.EEXIST, "interface far1: address 10.7.0.2/24"},
		{func(o *Options) { o.Near = "taken" }, errno.EEXIST, "interface taken: exists already"},
		{func(o *Options) { o.Far = "taken" }, errno.EEXIST, "interface taken: exists already"},
		{func(o *Options) { o.Far = "far0" }, errno.EEXIST, "interface far0: exists already"},
		{func(o *Options) { o.NearMAC = []byte{1, 0, 0, 0, 0, 1} }, int(unix.EADDRNOTAVAIL), "virtual cable near1"},
		{func(o *Options) { o.Where.Path = "/nowhere" }, errno.ENOENT, "/nowhere"},
		{func(o *Options) { o.Where = netns.Target{PID: -1} }, errno.EINVAL, "process -1"},
	} {
		o := Options{Near: "near1", Far: "far1", Where: netns.Target{Path: k.away.Path()}, Incoming: 1, Outgoing: 1, Frames: 64}
		c.change(&o)
		d, err := k.try(o)
		if err == nil {
			d.Close()
			t.Errorf("%+v was opened", o)
			continue
		}
		if errno.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("errno %d: %v, want %d: …%s…", errno.Code(err), err, c.code, c.text)
		}
	}
	for ns, want := range map[string]struct {
		links int
		list  func() []netlink.Link
	}{
		"home": {4, func() []netlink.Link { return links(k.home.Do) }}, // lo, near0, taken, other
		"away": {4, func() []netlink.Link { return links(k.away.Do) }},
	} {
		if got := want.list(); len(got) != want.links {
			t.Errorf("%s: %d interfaces, want %d: an attempt that failed left its cable", ns, len(got), want.links)
		}
	}
	k.exchange(60)
}

func links(do func(func() error)) (all []netlink.Link) {
	do(func() (err error) { all, err = netlink.LinkList(); return err })
	return all
}

func TestSettings(t *testing.T) {
	k := newRig(t, options())
	other := []byte{2, 1, 2, 3, 4, 5}
	if err := k.d.SetConf(9000, other, true); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		near, far := attrs(k.home, "near0"), attrs(k.away, "far0")
		if near.MTU != 9000 || far.MTU != 9000 || !bytes.Equal(near.HardwareAddr, other) || !bytes.Equal(far.HardwareAddr, farMAC) {
			t.Errorf("%+v\n%+v", near, far)
		}
		if got := addresses(k.away, "far0"); got != "10.7.0.1/24" {
			t.Errorf("addresses %q", got)
		}
		if err := k.d.SetConf(65522, nil, true); err == nil || !strings.Contains(err.Error(), "mtu") {
			t.Errorf("an MTU of 65522: %v", err)
		}
		if i == 0 { // what was asked for holds for the next cable, too
			k.away.Delete("far0")
			k.remade(1)
		}
	}
	k.exchange(60)
}

// When one end cannot be changed the other one stays as it is.
func TestSettingsAreChangedAsAWhole(t *testing.T) {
	testenv.NeedNetns(t)
	o := options()
	away := testenv.Netns(t)
	o.Where.Path = filepath.Join(t.TempDir(), "there")
	if err := os.Symlink(away.Path(), o.Where.Path); err != nil {
		t.Fatal(err)
	}
	k := newRig(t, o)
	unchanged := func(err error, text string) {
		t.Helper()
		near, far := attrs(k.home, "near0"), attrs(away, "far0")
		if err == nil || !strings.Contains(err.Error(), text) || near.MTU != 1500 || far.MTU != 1500 || near.Flags&net.FlagUp == 0 {
			t.Errorf("%v; near %d, far %d", err, near.MTU, far.MTU)
		}
	}
	unchanged(k.d.SetConf(1400, []byte{1, 0, 0, 0, 0, 1}, false), "address 01:00:00:00:00:01")
	if err := os.Remove(o.Where.Path); err != nil {
		t.Fatal(err)
	}
	unchanged(k.d.SetConf(1400, nil, false), o.Where.Path)
	if err := k.d.SetConf(0, nil, false); err != nil || k.d.Link().Up {
		t.Errorf("set down: %v", err)
	}
}

// Without the far end in its place its MTU is its owner's business.
func TestMTUOfACableWhoseFarEndWasRenamed(t *testing.T) {
	k := newRig(t, options())
	k.away.Link("far0", func(l netlink.Link) error {
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		return netlink.LinkSetName(l, "mine")
	})
	if err := k.d.SetConf(1400, nil, true); err != nil {
		t.Fatal(err)
	}
	if near, far := attrs(k.home, "near0").MTU, attrs(k.away, "mine").MTU; near != 1400 || far != 1500 {
		t.Errorf("near %d, far %d", near, far)
	}
	k.end()
	if attrs(k.away, "mine") != nil {
		t.Error("the cable outlived the device")
	}
}

func TestCableIsDeletedAndMadeAgain(t *testing.T) {
	k := newRig(t, options())
	fd := k.d.WaitFD(0)
	for i := range 4 {
		k.exchange(60)
		if i%2 == 0 {
			k.away.Delete("far0")
		} else {
			k.home.Delete("near0")
		}
		k.remade(i + 1)
		near, far := attrs(k.home, "near0"), attrs(k.away, "far0")
		if !bytes.Equal(near.HardwareAddr, nearMAC) || !bytes.Equal(far.HardwareAddr, farMAC) || addresses(k.away, "far0") != "10.7.0.1/24" {
			t.Errorf("%+v\n%+v", near, far)
		}
		if k.d.WaitFD(0) != fd {
			t.Error("the descriptor to wait for has changed")
		}
	}
	k.exchange(1514)
	k.end()
	if n := len(links(k.home.Do)) + len(links(k.away.Do)); n != 2 {
		t.Errorf("%d interfaces are left, want lo twice", n)
	}
}

// Nobody has to learn the addresses anew when a cable is made again, whether they
// were asked for, set later or are random ones.
func TestAddressesStay(t *testing.T) {
	o := options()
	o.FarMAC = nil
	k := newRig(t, o)
	mac := attrs(k.away, "far0").HardwareAddr
	other := net.HardwareAddr{2, 1, 2, 3, 4, 5}
	if err := k.d.SetConf(0, other, true); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		k.away.Delete("far0")
		k.remade(i + 1)
		near, far := attrs(k.home, "near0"), attrs(k.away, "far0")
		if !bytes.Equal(near.HardwareAddr, other) || !bytes.Equal(far.HardwareAddr, mac) {
			t.Fatalf("near %s, far %s; want %s, %s", near.HardwareAddr, far.HardwareAddr, other, mac)
		}
	}
}
