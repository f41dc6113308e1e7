// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Namespace is a network namespace of its own for one test. A thread lives in
// it and runs what the test hands to Do; sockets and devices opened there
// stay there.
type Namespace struct {
	t    testing.TB
	work chan func()
	over chan struct{}
	path string
}

// NeedNetns skips the test unless network namespaces can be created.
func NeedNetns(t testing.TB) {
	t.Helper()
	NeedRoot(t)
	n, err := newNamespace(t)
	if err != nil {
		Skip(t, NoNetns, err.Error())
	}
	n.end()
}

// Netns creates a network namespace that ends with the test. It has nothing
// but a loopback interface, which is down, and no IPv6, so that nothing speaks
// up in it unasked. Without the rights for it the test is skipped.
func Netns(t testing.TB) *Namespace {
	t.Helper()
	NeedRoot(t)
	n, err := newNamespace(t)
	if err != nil {
		Skip(t, NoNetns, err.Error())
	}
	t.Cleanup(n.end)
	n.Do(quiet)
	return n
}

func newNamespace(t testing.TB) (*Namespace, error) {
	n := &Namespace{t: t, work: make(chan func()), over: make(chan struct{})}
	started := make(chan error)
	go n.live(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return n, nil
}

// live is the life of the namespace's thread.
func (n *Namespace) live(started chan<- error) {
	runtime.LockOSThread()
	if tid() == os.Getpid() {
		// The first thread of a process cannot end, and its namespace counts
		// as that of the process. While it waits here, another one is used.
		instead := make(chan error)
		go n.live(instead)
		err := <-instead
		runtime.UnlockOSThread()
		started <- err
		return
	}
	// Never unlocked: the thread, and with it the namespace, ends with the
	// goroutine.
	defer close(n.over)
	h, err := netns.New()
	n.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), tid())
	started <- err
	if err != nil {
		return
	}
	defer func() { _ = h.Close() }()
	for f := range n.work {
		f()
	}
}

// end ends the namespace, as far as nothing else keeps it.
func (n *Namespace) end() {
	close(n.work)
	<-n.over
}

// tid returns the id of the calling thread.
func tid() int {
	to, err := os.Readlink("/proc/thread-self")
	if err != nil {
		return 0
	}
	var pid, id int
	_, _ = fmt.Sscanf(to, "%d/task/%d", &pid, &id)
	return id
}

// quiet turns IPv6 off for the interfaces to come: their router solicitations
// would be packets nobody sent.
func quiet() error {
	for _, c := range []string{"all", "default"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+c+"/disable_ipv6", []byte("1"), 0o644)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Path names the namespace as long as the test runs.
func (n *Namespace) Path() string { return n.path }

// Run runs f in the namespace and returns its error. f must not end the test.
func (n *Namespace) Run(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// Do is Run for what must succeed: an error ends the test.
func (n *Namespace) Do(f func() error) {
	n.t.Helper()
	if err := n.Run(f); err != nil {
		n.t.Fatal(err)
	}
}

// Veth creates two interfaces at the ends of one cable, both up. Without
// support in the kernel the test is skipped.
func (n *Namespace) Veth(a, b string) {
	n.t.Helper()
	err := n.Run(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = a
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: b})
	})
	if err != nil {
		Skip(n.t, NoVeth, err.Error())
	}
	n.Up(a, true)
	n.Up(b, true)
}

// Up changes the administrative state of an interface.
func (n *Namespace) Up(name string, up bool) {
	n.t.Helper()
	n.Link(name, func(l netlink.Link) error {
		if up {
			return netlink.LinkSetUp(l)
		}
		return netlink.LinkSetDown(l)
	})
}

// Link calls f with an interface of the namespace, inside it.
func (n *Namespace) Link(name string, f func(netlink.Link) error) {
	n.t.Helper()
	n.Do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		return f(l)
	})
}

// Delete removes an interface, and with it the other end of its cable.
func (n *Namespace) Delete(name string) {
	n.t.Helper()
	n.Link(name, netlink.LinkDel)
}

// Address gives an interface an address such as 10.0.0.1/24.
func (n *Namespace) Address(name, addr string) {
	n.t.Helper()
	n.Link(name, func(l netlink.Link) error {
		a, err := netlink.ParseAddr(addr)
		if err != nil {
			return err
		}
		return netlink.AddrAdd(l, a)
	})
}
