// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// create makes the interface at a target and returns its queues. What goes wrong
// on the way leaves nothing behind: a device ends with its descriptors.
func (d *Device) create(at netns.Target) (fds []int, err error) {
	d.notes = nil
	d.drops.begin(0)
	where := d.home
	if !at.IsHere() {
		if where, err = at.Open(); err != nil {
			return nil, err
		}
		defer where.Close()
	}
	fds, link, err := d.place(where)
	if err == nil {
		err = offload(fds[0], d.o.Large) // of all queues
	}
	if err == nil {
		err = d.furnish(where, link)
	}
	if err == nil && d.o.Persist {
		err = persist(fds[0], true)
	}
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	return fds, nil
}

// place makes a device in a namespace, with nothing set but its name.
func (d *Device) place(where *netns.Namespace) (fds []int, link netlink.Link, err error) {
	kern, err := where.Netlink()
	if err != nil {
		return nil, nil, err
	}
	defer kern.Close()
	link, err = kern.LinkByName(d.o.Name)
	switch {
	case err == nil && d.o.Persist:
		return d.adopt(where, link)
	case err == nil:
		return nil, nil, errno.Errorf(errno.EEXIST, "%s: exists already", d.o.place())
	}
	fds, err = d.make(where, kern)
	if err == nil {
		link, err = kern.LinkByName(d.o.Name)
	}
	return fds, link, err
}

// adopt takes a device that exists.
func (d *Device) adopt(where *netns.Namespace, link netlink.Link) (fds []int, _ netlink.Link, err error) {
	if link.Type() != "tuntap" && link.Type() != "tun" {
		return nil, nil, errno.Errorf(errno.EEXIST, "%s: exists and is of type %s", d.o.place(), link.Type())
	}
	err = where.Do(func() (err error) {
		fds, err = openQueues(d.o.Name, len(d.in), false)
		return err
	})
	if s := link.Attrs().Statistics; s != nil {
		d.drops.begin(s.TxDropped)
	}
	return fds, link, err
}

// make makes a new device at home and moves it.
func (d *Device) make(where *netns.Namespace, there *netlink.Handle) (fds []int, err error) {
	name := d.o.Name
	away := !where.Same(d.home)
	if away {
		name = fmt.Sprintf("bess%08x", rand.Uint32())
	}
	err = d.home.Do(func() (err error) {
		fds, err = openQueues(name, len(d.in), true)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(d.o.CPUs) > 0 {
		d.steer(name)
	}
	if !away {
		return fds, nil
	}
	here, err := d.home.Netlink()
	if err != nil {
		return fds, err
	}
	defer here.Close()
	link, err := here.LinkByName(name)
	if err != nil {
		return fds, err
	}
	if err := here.LinkSetNsFd(link, where.FD()); err != nil {
		return fds, fmt.Errorf("%s: move: %w", d.o.place(), err)
	}
	if link, err = there.LinkByName(name); err != nil {
		return fds, err
	}
	if err := there.LinkSetName(link, d.o.Name); err != nil {
		return fds, fmt.Errorf("%s: rename: %w", d.o.place(), err)
	}
	return fds, nil
}

// furnish gives the interface its settings and starts it.
func (d *Device) furnish(where *netns.Namespace, link netlink.Link) error {
	kern, err := where.Netlink()
	if err != nil {
		return err
	}
	defer kern.Close()
	fail := func(what string, err error) error { return fmt.Errorf("%s: %s: %w", d.o.place(), what, err) }
	if err := kern.LinkSetTxQLen(link, d.o.QueueLength); err != nil {
		return fail("queue length", err)
	}
	if err := apply(kern, link, state{d.state.mtu, d.state.mac, link.Attrs().Flags&1 != 0}); err != nil {
		return fail("settings", err)
	}
	addresses, err := hostif.ParseAddresses(d.o.Addresses)
	if err != nil {
		return err
	}
	for i, a := range addresses {
		err := hostif.AddAddress(kern, link, a)
		if errors.Is(err, syscall.EEXIST) && d.o.Persist {
			continue // it has the address since the last time
		}
		if err != nil {
			return &AddressError{fail("address "+d.o.Addresses[i], err)}
		}
	}
	if !d.state.up {
		return nil
	}
	if err := kern.LinkSetUp(link); err != nil {
		return fail("set up", err)
	}
	return nil
}

// AddressError is the error of an address that the interface cannot have.
type AddressError struct{ error }

// Unwrap returns the cause.
func (e *AddressError) Unwrap() error { return e.error }

// steer has the kernel work on each queue's packets on a CPU of its own
// (Documentation/networking/scaling.rst: receive packet steering). A machine
// that cannot do that does the work on the sender's CPU.
func (d *Device) steer(name string) {
	masks := make([][]uint32, len(d.in))
	for i, cpu := range d.o.CPUs {
		m := &masks[i%len(masks)]
		for len(*m) <= cpu/32 {
			*m = append(*m, 0)
		}
		(*m)[cpu/32] |= 1 << (cpu % 32)
	}
	for i, m := range masks {
		var words []string
		for _, w := range m {
			words = append([]string{fmt.Sprintf("%08x", w)}, words...)
		}
		file := filepath.Join("/sys/class/net", name, fmt.Sprintf("queues/rx-%d/rps_cpus", i))
		if err := os.WriteFile(file, []byte(strings.Join(words, ",")), 0o644); err != nil {
			d.notes = append(d.notes, fmt.Sprintf("CPUs %v: the kernel does not steer packets: %v", d.o.CPUs, err))
			return
		}
	}
}
