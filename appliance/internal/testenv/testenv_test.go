// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { Main(m) }

// recorder is a test that notes how it was ended instead of ending.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return "TestOfSomething" }
func (r *recorder) Skip(a ...any) {
	r.skipped = a[0].(string)
	panic(r)
}
func (r *recorder) Fatalf(format string, a ...any) {
	r.failed = format
	panic(r)
}

// end runs f, which ends the recorder.
func (r *recorder) end(f func()) {
	defer func() { _ = recover() }()
	f()
}

func TestSkipsAreListedByReason(t *testing.T) {
	t.Setenv("CI", "")
	r := &recorder{}
	r.end(func() { Skip(r, NoKernel, "no such socket") })
	defer delete(skips, NoKernel)
	if r.skipped != "needs a kernel feature: no such socket" || r.failed != "" {
		t.Fatalf("skipped %q, failed %q", r.skipped, r.failed)
	}
	if s := Summary(); !strings.Contains(s, "skipped, needs a kernel feature: 1: TestOfSomething\n") {
		t.Fatalf("summary %q", s)
	}
}

func TestSkipsFailInCI(t *testing.T) {
	t.Setenv("CI", "true")
	r := &recorder{}
	r.end(func() { Skip(r, NoKernel, "") })
	if r.skipped != "" || r.failed == "" || strings.Contains(Summary(), string(NoKernel)) {
		t.Fatalf("skipped %q, failed %q, summary %q", r.skipped, r.failed, Summary())
	}
	r = &recorder{}
	r.end(func() { NeedFile(r, NoTun, "/nowhere/at/all") })
	if r.failed == "" {
		t.Fatal("a missing file was accepted")
	}
}

func TestNamespaceIsAWorldOfItsOwn(t *testing.T) {
	NeedNetns(t)
	n := Netns(t)
	n.Veth("here", "there")
	n.Address("here", "10.1.2.3/24")
	if _, err := net.InterfaceByName("there"); err == nil {
		t.Fatal("the interface appeared outside")
	}
	var frames []netlink.Link
	n.Do(func() (err error) { frames, err = netlink.LinkList(); return err })
	if len(frames) != 3 {
		t.Fatalf("%d interfaces, want lo and the pair", len(frames))
	}
	h, err := netns.GetFromPath(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
	n.Delete("there")
	if err := n.Run(func() error { _, err := netlink.LinkByName("here"); return err }); err == nil {
		t.Fatal("one end of the cable outlived the other")
	}
}

func TestLeaksAreFound(t *testing.T) {
	var found bool
	defer func(d time.Duration) { patience = d }(patience)
	patience = 10 * time.Millisecond
	t.Run("leaky", func(t *testing.T) {
		r := &leakTest{TB: t, found: &found}
		NoLeaks(r)
		f, err := os.Open("/proc/self/stat")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		r.cleanup() // as the end of the test would do, with f still open
	})
	if !found {
		t.Fatal("an open file was not noticed")
	}
}

// leakTest keeps the check NoLeaks registers, to run it at another time.
type leakTest struct {
	testing.TB
	cleanup func()
	found   *bool
}

func (l *leakTest) Cleanup(f func())      { l.cleanup = f }
func (l *leakTest) Errorf(string, ...any) { *l.found = true }

// Nobody listens at a reserved address, and one can, also at all addresses of
// that port and after another.
func TestAddress(t *testing.T) {
	a := Address(t)
	if c, err := net.Dial("tcp", a); err == nil {
		_ = c.Close()
		t.Fatal("somebody listens")
	}
	_, port, err := net.SplitHostPort(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{a, "0.0.0.0:" + port, a} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		_ = l.Close()
	}
}

// Where there are four ports, three of them reserved, who asks for any port
// gets the fourth, and the next one none.
func TestReservedPortsAreGivenToNobody(t *testing.T) {
	n := Netns(t)
	n.Link("lo", netlink.LinkSetUp)
	n.Do(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("20000 20003"), 0o644); err != nil {
			return err
		}
		for range 3 {
			fd, err := reserve()
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }()
		if m, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
			t.Errorf("%v after %v", m.Addr(), l.Addr())
			_ = m.Close()
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			t.Errorf("a client has port %v", c.LocalAddr())
			_ = c.Close()
		}
		return nil
	})
}
