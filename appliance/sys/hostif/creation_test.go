// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// The stages of a creation at which beCreator stops.
var stages = []string{"announced", "made", "told", "used"}

// next is the address that the interface has after its mark.
var next = net.HardwareAddr{2, 1, 1, 1, 1, 1}

// begin makes the interface "mine" in the calling thread's namespace, up to a
// stage.
func begin(stage string) (*Creation, error) {
	ns, err := netns.Current()
	if err != nil {
		return nil, err
	}
	c, err := Create(ns, "mine", "veth")
	if err != nil || stage == "announced" {
		return c, err
	}
	a := netlink.NewLinkAttrs()
	a.Name, a.HardwareAddr = "mine", c.Mark()
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "theirs"}); err != nil || stage == "made" {
		return c, err
	}
	l, err := netlink.LinkByName("mine")
	if err != nil {
		return c, err
	}
	if err := c.Made(l.Attrs().Index, next); err != nil || stage == "told" {
		return c, err
	}
	return c, netlink.LinkSetHardwareAddr(l, next)
}

// beCreator is another process that makes an interface up to a stage, says so
// and waits to be killed.
func beCreator(stage string) {
	_, err := begin(stage)
	fmt.Println("result:", err)
	select {}
}

func exists(ns *testenv.Namespace, name string) bool {
	return ns.Run(func() error { _, err := netlink.LinkByName(name); return err }) == nil
}

func undone(ns *testenv.Namespace) (all []string) {
	ns.Do(func() (err error) { r, err := Recover(Dir()); all = r.Undone; return err })
	return all
}

// Whenever the process is killed, the next one removes what it made; as long as
// it lives, nobody does.
func TestCreationOfAKilledProcess(t *testing.T) {
	for _, at := range stages {
		ns := stage(t)
		kill := other(t, ns, "create:"+at)
		there := at != "announced"
		if got := undone(ns); got != nil || exists(ns, "mine") != there {
			t.Errorf("%s: of a process that lives: %q", at, got)
		}
		kill()
		if got := strings.Join(undone(ns), "; "); (got == "mine: created") != there || exists(ns, "mine") || left() != "" {
			t.Errorf("%s: %q, left %q", at, got, left())
		}
	}
}

// An interface that has the name, or even the index, but was made by somebody
// else is none of the daemon's business.
func TestInterfacesOfOthersStay(t *testing.T) {
	for _, at := range stages {
		ns := stage(t)
		kill := other(t, ns, "create:"+at)
		index := 0
		if at != "announced" {
			ns.Link("mine", func(l netlink.Link) error { index = l.Attrs().Index; return netlink.LinkDel(l) })
		}
		kill()
		ns.Veth("mine", "another")
		ns.Do(func() error {
			if index == 0 {
				return nil
			}
			a := netlink.NewLinkAttrs()
			a.Name, a.Index = "x", index
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "y"})
		})
		if index != 0 {
			ns.Link("x", func(l netlink.Link) error {
				if l.Attrs().Index != index {
					t.Fatal("x has another index; nothing is tested")
				}
				return nil
			})
		}
		if got := undone(ns); got != nil || !exists(ns, "mine") || index != 0 && !exists(ns, "x") || left() != "" {
			t.Errorf("%s: %q, left %q", at, got, left())
		}
	}
}

func TestCreationEnds(t *testing.T) {
	for _, at := range stages {
		ns := stage(t)
		var c *Creation
		ns.Do(func() (err error) { c, err = begin(at); return err })
		c.End()
		c.ns.Close()
		if exists(ns, "mine") || left() != "" {
			t.Errorf("%s: left %q", at, left())
		}
	}
}

// An interface that somebody gave another name is still the one that was made.
func TestRenamedInterfaceIsRemoved(t *testing.T) {
	for _, at := range stages {
		if at == "announced" {
			continue
		}
		ns := stage(t)
		var c *Creation
		ns.Do(func() (err error) { c, err = begin(at); return err })
		ns.Link("mine", func(l netlink.Link) error { return netlink.LinkSetName(l, "renamed") })
		c.End()
		c.ns.Close()
		if exists(ns, "renamed") || left() != "" {
			t.Errorf("%s: left %q", at, left())
		}
	}
}
