// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

func TestOneProcess(t *testing.T) {
	ns := stage(t)
	a := claim(t, ns, "near", Options{Port: "a"})
	b := claim(t, ns, "near", Options{Port: "b"})
	_, err := try(ns, "near", Options{Port: "c", Exclusive: true})
	if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), `interface "near": is in use by port a`) {
		t.Error(err)
	}
	a.Close()
	b.Close()
	if left() != "" {
		t.Errorf("left behind: %s", left())
	}
	claim(t, ns, "near", Options{Port: "c", Exclusive: true})
	if _, err := try(ns, "near", Options{Port: "d"}); errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), "port c") {
		t.Error(err)
	}
	for _, name := range []string{"", "nosuch", "a\x00b"} {
		if _, err := try(ns, name, Options{}); err == nil || !strings.Contains(err.Error(), "interface \"") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	ns := stage(t)
	before := look(ns, "near")
	kill := other(t, ns, "near")
	changed := look(ns, "near")
	_, err := try(ns, "near", Options{Port: "a"})
	if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), "is in use by port theirs of process ") {
		t.Error(err)
	}
	// The interface of a living process is left alone.
	if r, err := Recover(Dir()); err != nil || r.Undone != nil || r.Left != nil || look(ns, "near") != changed {
		t.Error(r, err, look(ns, "near"))
	}
	other(t, ns, "far") // through it the namespace is found
	kill()
	r, err := Recover(Dir())
	if err != nil || len(r.Undone) != 1 || !strings.HasPrefix(r.Undone[0], "near: mtu 1500 -> 1400, address ") || r.Left != nil {
		t.Error(r, err)
	}
	if now := look(ns, "near"); now != before {
		t.Errorf("after: %s, before: %s", now, before)
	}
	if r, err := Recover(Dir()); err != nil || r.Undone != nil || r.Left != nil {
		t.Error(r, err)
	}
	claim(t, ns, "near", Options{Port: "a"})
}

// Who takes the interface of a process that was killed finds it as it was.
func TestClaimCleansUp(t *testing.T) {
	ns := stage(t)
	before := look(ns, "near")
	other(t, ns, "near")()
	claim(t, ns, "near", Options{Port: "a"})
	if now := look(ns, "near"); now != before {
		t.Errorf("after: %s, before: %s", now, before)
	}
}

func TestSomebodyElsesChangesStay(t *testing.T) {
	ns := stage(t)
	kill := other(t, ns, "near")
	ns.Link("near", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1300) })
	kill()
	ns.Do(func() error { _, err := Recover(Dir()); return err })
	if now := look(ns, "near"); !strings.HasPrefix(now, "1300 ") || strings.Contains(now, "02:09") || !strings.HasSuffix(now, "true") {
		t.Error(now)
	}
}

// Each port's changes end with it, and hold as long as one asks for them, in
// whatever order they go.
func TestChangesOfTwoPorts(t *testing.T) {
	ns := stage(t)
	ns.Link("near", netlink.LinkSetDown)
	before := look(ns, "near")
	if !strings.HasSuffix(before, "false") {
		t.Fatal(before)
	}
	for _, c := range []struct {
		a, b  int  // the MTUs they ask for
		first bool // a goes before b
		left  int
	}{{1400, 1300, true, 1300}, {1400, 1300, false, 1400}, {1400, 1400, true, 1400}, {1400, 1400, false, 1400}} {
		a, b := claim(t, ns, "near", Options{Port: "a"}), claim(t, ns, "near", Options{Port: "b"})
		for _, err := range []error{a.SetConf(c.a, net.HardwareAddr{2, 0, 0, 0, 0, 1}, true), b.SetConf(c.b, nil, true)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		address := before[4 : len(before)-len("false")]
		if c.first {
			a.Close()
		} else {
			b.Close()
			address = " 02:00:00:00:00:01 "
		}
		if now, want := look(ns, "near"), fmt.Sprint(c.left, address, true); now != want {
			t.Errorf("%+v: %s, want %s", c, now, want)
		}
		a.Close()
		b.Close()
		if now := look(ns, "near"); now != before {
			t.Errorf("%+v: %s, want %s", c, now, before)
		}
	}
}

func TestPromiscuous(t *testing.T) {
	ns := stage(t)
	promisc := func() (n int) {
		ns.Link("near", func(l netlink.Link) error { n = l.Attrs().Promisc; return nil })
		return n
	}
	i := claim(t, ns, "near", Options{Port: "a"})
	for _, on := range []bool{true, true, false, true} {
		if err := i.SetPromiscuous(on); err != nil || i.Promiscuous() != on || (promisc() == 1) != on {
			t.Error(on, err, promisc())
		}
	}
	i.Close()
	if promisc() != 0 {
		t.Error("still promiscuous")
	}
}

// An interface that comes again is claimed and set up as the one before.
func TestWatch(t *testing.T) {
	ns := stage(t)
	i := claim(t, ns, "near", Options{Port: "a"})
	if err := errors.Join(i.SetConf(1400, nil, true), i.SetPromiscuous(true)); err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	if err := i.Watch(func() error {
		if calls.Add(1) == 1 {
			return errors.New("not yet")
		}
		return nil
	}, func() string { return "well" }); err != nil {
		t.Fatal(err)
	}
	for round := range int32(2) {
		old := i.Index()
		ns.Delete("near")
		testenv.Eventually(t, "it is gone", func() bool { return i.isGone() && i.Presence().Away })
		if s := i.Presence(); s.Reason != whyGone || s.Losses != uint64(round)+1 || s.Interface != "near" {
			t.Errorf("%+v", s)
		}
		if err := i.SetConf(1300, nil, true); errno.Code(err) != errno.ENODEV {
			t.Error(err)
		}
		ns.Veth("near", "far")
		if round == 0 {
			testenv.Eventually(t, "the failure is told", func() bool { return strings.HasSuffix(i.Presence().Reason, "cannot be used: not yet") })
		}
		testenv.Eventually(t, "it is opened again", func() bool { return calls.Load() == round+2 && !i.Presence().Away })
		if s := i.Presence(); s.Mode != "well" || s.Losses != uint64(round)+1 {
			t.Errorf("%+v", s)
		}
		if i.Index() == old || !strings.HasPrefix(look(ns, "near"), "1400 ") || !i.Promiscuous() {
			t.Error(i.Index(), look(ns, "near"))
		}
		if _, err := try(ns, "near", Options{Exclusive: true}); errno.Code(err) != errno.EBUSY {
			t.Error(err)
		}
	}
	i.Close()
	if !strings.HasPrefix(look(ns, "near"), "1500 ") {
		t.Error(look(ns, "near"))
	}
	ns.Delete("near")
	ns.Veth("near", "far")
	time.Sleep(10 * time.Millisecond)
	if calls.Load() != 3 {
		t.Error("opened after Close")
	}
}

// An interface that leaves a bridge is still there.
func TestWatchOfABridgePort(t *testing.T) {
	ns := stage(t)
	i := claim(t, ns, "near", Options{Port: "a"})
	var calls atomic.Int32
	if err := i.Watch(func() error { calls.Add(1); return nil }, func() string { return "" }); err != nil {
		t.Fatal(err)
	}
	ns.Do(func() error { return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}) })
	for range 3 {
		ns.Link("br0", func(br netlink.Link) error {
			near, err := netlink.LinkByName("near")
			if err != nil {
				return err
			}
			return errors.Join(netlink.LinkSetMaster(near, br), netlink.LinkSetNoMaster(near))
		})
	}
	// This is the last thing that is told.
	ns.Link("near", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1400) })
	testenv.Eventually(t, "all is heard", func() bool { return i.MTU() == 1400 })
	if n := calls.Load(); n != 0 || i.Presence().Losses != 0 {
		t.Errorf("opened again %d times: %+v", n, i.Presence())
	}
}

func TestJournalsNobodyUnderstands(t *testing.T) {
	ns := stage(t)
	dir, err := ensureDir()
	if err != nil {
		t.Fatal(err)
	}
	before := look(ns, "near")
	var here syscall.Stat_t
	index := 0
	ns.Link("near", func(l netlink.Link) error {
		index = l.Attrs().Index
		return syscall.Stat("/proc/thread-self/ns/net", &here)
	})
	own := fmt.Sprint(here.Ino)
	for name, text := range map[string]string{
		"1-1.json": "", "1-2.json": "{", "1-3.json": `{"namespace":1,"index":3,"created":true}`,
		"x.json":            `{"boot":"another","index":1,"mtu":{"old":1,"new":65536}}`,
		own + "-1.json.new": `{"half`, own + "-7.json": `{"boot":"another","index":7}`,
		own + "-2.json": fmt.Sprintf(`{"boot":%q,"cookie":1,"index":%d,"mtu":{"old":1300,"new":1500}}`, bootID(), index),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ns.Do(func() error {
		r, err := Recover(dir)
		if err != nil || r.Undone != nil || r.Left != nil || left() != "" {
			t.Error(r, err, left())
		}
		return nil
	})
	if now := look(ns, "near"); now != before {
		t.Error(now)
	}
}

func TestStateDirectoryOfOthers(t *testing.T) {
	ns := stage(t)
	if err := os.Mkdir(Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := try(ns, "near", Options{}); errno.Code(err) != errno.EACCES {
		t.Error(err)
	}
	if _, err := Recover(filepath.Join(Dir(), "nosuch")); err != nil {
		t.Error(err)
	}
}

// The kernel says EINVAL only; the range that an interface takes is told.
func TestMTUOutOfRange(t *testing.T) {
	ns := stage(t)
	i := claim(t, ns, "near", Options{Port: "a"})
	for _, mtu := range []int{67, 65536} {
		err := i.SetConf(mtu, nil, true)
		if want := fmt.Sprintf("interface near: mtu should be >= 68 and <= 65535: mtu %d", mtu); errno.Code(err) != errno.EINVAL || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, mtu := range []int{68, 65535} {
		if err := i.SetConf(mtu, nil, true); err != nil {
			t.Error(err)
		}
	}
}
