// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package loadgen is the world around a port that is being measured: a network
// namespace with an interface in it at whose other end the port is, a generator
// of frames, a sink that counts what comes back, and probes that measure how
// long the way takes.
//
//	this namespace            | namespace of the Site
//	port -- near --- veth ----|--- far: generator, sink (XDP), probes
//	port -- TAP --------------|--- far
//
// What forwards between two ports has another pair, with the sink at its end:
//
//	port -- near --- veth ----|--- far: generator
//	port -- nearby - veth ----|--- back: sink; probes are received here
//
// Nothing is left behind: the namespace ends with the descriptor that this
// process has of it, and with it all interfaces.
package loadgen

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	ns "github.com/vishvananda/netns"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// Far is the name of the interface in the namespace of a Site, and back that
// of a second one, which what has been sent out of Far comes back at.
const (
	Far  = "far"
	back = "back"
)

// Site is a namespace for one measurement.
type Site struct {
	space *netns.Namespace
	sink  *sink
	end   string // where frames come back
	live  bool   // near takes live frames
}

// NewSite makes a namespace with nothing in it. It needs the capability
// CAP_SYS_ADMIN.
func NewSite() (*Site, error) {
	made := make(chan error)
	s := &Site{end: Far}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		h, err := ns.New()
		if err == nil {
			s.space = netns.Of(int(h))
			silence("all")
			silence("default")
		}
		made <- err
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	return s, nil
}

// silence keeps interfaces to come from speaking IPv6 unasked, where there is
// IPv6 at all.
func silence(name string) {
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0o644)
}

// Close removes everything.
func (s *Site) Close() {
	if s.sink != nil {
		s.sink.close()
	}
	// The namespace ends by and by; its interfaces are not to be there until
	// then, because the next measurement wants the names.
	for _, name := range []string{Far, back} {
		_ = s.at(name, netlink.LinkDel)
	}
	s.space.Close()
}

// Path names the namespace for other processes, as long as it is open here.
func (s *Site) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.space.FD()) }

// Cable makes a veth pair: near here, Far in the namespace. Both are up. Near
// receives as a network card does (NAPI, which veth has with receive offload):
// then it takes live frames whatever drives it.
func (s *Site) Cable(near string) error {
	err := s.cable(near, Far)
	s.live = err == nil && sys.SetReceiveOffload(near, true)
	return err
}

// TakesLive reports whether an interface of Cable takes live frames.
func (s *Site) TakesLive(near string) bool { return s.live || hasXDP(near) }

// Return makes another pair, whose end in the namespace is where frames come
// back.
func (s *Site) Return(near string) error {
	s.end = back
	return s.cable(near, back)
}

func (s *Site) cable(near, far string) error {
	a := netlink.NewLinkAttrs()
	a.Name = near
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: far, PeerNamespace: netlink.NsFd(s.space.FD())}); err != nil {
		return fmt.Errorf("make interface %s: %w", near, err)
	}
	silence(near)
	l, err := netlink.LinkByName(near)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return err
	}
	return s.at(far, netlink.LinkSetUp)
}

// far calls f inside the namespace, with Far.
func (s *Site) far(f func(netlink.Link) error) error { return s.at(Far, f) }

// at calls f inside the namespace, with one of its interfaces.
func (s *Site) at(name string, f func(netlink.Link) error) error {
	return s.space.Do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		return f(l)
	})
}

// hasXDP reports whether an interface of this namespace has an XDP program in
// its driver: then it takes live frames from the other end of its cable.
func hasXDP(name string) bool {
	l, err := netlink.LinkByName(name)
	return err == nil && l.Attrs().Xdp != nil && l.Attrs().Xdp.Attached
}
