// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// Creation is an interface that this process makes and that would outlive it.
// The journal says so before there is one, so that however short the interface
// has existed when the process is killed, Recover removes it.
//
// The kernel chooses the index, and anybody may choose the name, so the
// interface is known by a random address until Made tells the index.
type Creation struct {
	lock    *lock
	ns      *netns.Namespace // the owner's
	journal journal
}

// create is what a journal says of a Creation.
type create struct {
	// Type is the interface's, as the kernel calls it.
	Type string `json:"type"`
	// Mark is the address it has at first.
	Mark net.HardwareAddr `json:"mark"`
	// Next is the one that it is given then, if any.
	Next net.HardwareAddr `json:"next,omitempty"`
}

// Create announces that an interface of a name and a type will be made in a
// namespace, which stays open until End. It must be made with the address
// that Mark returns.
func Create(ns *netns.Namespace, name, kind string) (*Creation, error) {
	dir, err := ensureDir()
	if err != nil {
		return nil, err
	}
	ino, err := ns.Inode()
	if err != nil {
		return nil, err
	}
	mark := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mark)         // never fails
	mark[0] = mark[0]&^0x01 | 0x02 // of one station, locally administered
	id := hex.EncodeToString(mark)
	c := &Creation{ns: ns, journal: newJournal(dir, ns, ino, id, name)}
	c.journal.Create = &create{Type: kind, Mark: mark}
	if c.lock, err = acquire(ns, id); err != nil {
		return nil, err
	}
	if err := c.journal.write(); err != nil {
		c.lock.release()
		return nil, err
	}
	return c, nil
}

// Mark returns the address that the interface is to be made with.
func (c *Creation) Mark() net.HardwareAddr { return c.journal.Create.Mark }

// Made tells the index of the interface, and the address it is about to be
// given instead of Mark, nil if none.
func (c *Creation) Made(index int, next net.HardwareAddr) error {
	c.journal.Index, c.journal.Create.Next = index, next
	return c.journal.write()
}

// End removes the interface if it is there.
func (c *Creation) End() {
	defer c.lock.release()
	kern, err := c.ns.Netlink()
	if err != nil {
		return // the journal stays: the next start removes it
	}
	defer kern.Close()
	c.journal.undo(kern)
}

// find returns the interface that a Creation is about, nil if there is none.
// What is not certain to be that very one is somebody else's.
func (j *journal) find(kern *netlink.Handle) (netlink.Link, error) {
	c := j.Create
	known := func(l netlink.Link) bool {
		a := l.Attrs()
		// Somebody may have given the index to another, or renamed this one.
		return l.Type() == c.Type && (bytes.Equal(a.HardwareAddr, c.Mark) ||
			a.Index == j.Index && (a.Name == j.Name || bytes.Equal(a.HardwareAddr, c.Next)))
	}
	var all []netlink.Link
	var err error
	for range attempts { // the kernel says when others have changed the list meanwhile
		if all, err = kern.LinkList(); err == nil {
			break
		}
	}
	for _, l := range all {
		if known(l) {
			return l, nil
		}
	}
	return nil, err
}

// delete removes the interface that a Creation is about and reports whether
// there was one. Error: it may be there still.
func (j *journal) delete(kern *netlink.Handle) (bool, error) {
	link, err := j.find(kern)
	if err != nil || link == nil {
		return false, err
	}
	if err := kern.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return false, err
	}
	return true, nil
}
