// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// Options say who wants an interface and how.
type Options struct {
	// Port is the name of the port, for messages.
	Port string
	// Exclusive keeps other ports of this process away, too.
	Exclusive bool
}

// Interface is an interface that a port uses. It is known by its index, since
// names change; when it goes away and another of its name comes, Watch moves
// on to that one. Safe for concurrent use.
type Interface struct {
	Options
	ns   *netns.Namespace
	kern *netlink.Handle // stays in the namespace
	mtu  atomic.Int64
	dark atomic.Bool // up, but without a link

	presence presence.Note

	mu      sync.Mutex // guards the rest
	name    string
	held    *held
	want    state // what SetConf asked for, in the fields of asked
	asked   fields
	promisc int // socket, -1 if none
	watch   *watcher
	closed  bool
}

// Claim takes an interface of the calling thread's network namespace for a
// port until Close. What a process that died left changed on it is undone
// first. Errors: ENODEV if there is none of that name, EBUSY if another process
// uses it, or another port of this one and either wants it for itself.
func Claim(name string, o Options) (_ *Interface, err error) {
	i := &Interface{Options: o, promisc: -1}
	defer func() {
		if err != nil {
			i.free()
			err = fmt.Errorf("interface %q: %w", name, err)
		}
	}()
	if strings.Contains(name, "\x00") {
		return nil, errors.New("the name contains NUL")
	}
	if i.kern, err = netlink.NewHandle(syscall.NETLINK_ROUTE); err != nil {
		return nil, err
	}
	if i.ns, err = netns.Current(); err != nil {
		return nil, err
	}
	link, err := i.kern.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, errno.Errorf(errno.ENODEV, "does not exist")
	}
	if err != nil {
		return nil, err
	}
	a := link.Attrs()
	i.name = a.Name
	i.see(a)
	i.held, err = hold(i, a)
	return i, err
}

// Do runs f on a thread in the interface's network namespace: sockets opened
// there stay there.
func (i *Interface) Do(f func() error) error { return i.ns.Do(f) }

// free releases what Claim opened.
func (i *Interface) free() {
	if i.kern != nil {
		i.kern.Close()
	}
	if i.ns != nil {
		i.ns.Close()
	}
}

// Close undoes what the port changed and lets others have the interface.
func (i *Interface) Close() {
	i.mu.Lock()
	w := i.watch
	i.watch, i.closed = nil, true
	i.mu.Unlock()
	if w != nil {
		w.end()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dropPromiscuous()
	if i.held != nil {
		i.held.release(i)
		i.held = nil
		i.free()
	}
}

// key tells interfaces of the machine apart: the inode of the network
// namespace and the index in it.
type key struct {
	ns    uint64
	index int
}

// id is what the interface is known by in its namespace.
func (k key) id() string { return strconv.Itoa(k.index) }

// held is an interface used by this process.
type held struct {
	key
	lock    *lock
	users   []*Interface
	journal journal
}

// table are the interfaces used by this process.
var table = struct {
	sync.Mutex
	all map[key]*held
}{all: map[key]*held{}}

// hold adds i to the users of the interface with attributes a.
func hold(i *Interface, a *netlink.LinkAttrs) (*held, error) {
	ns, err := i.ns.Inode()
	if err != nil {
		return nil, err
	}
	table.Lock()
	defer table.Unlock()
	k := key{ns, a.Index}
	h := table.all[k]
	if h == nil {
		if h, err = newHeld(i, k, a.Name); err != nil {
			return nil, err
		}
		table.all[k] = h
	} else if n := slices.IndexFunc(h.users, func(u *Interface) bool { return u.Exclusive || i.Exclusive }); n >= 0 {
		return nil, errno.Errorf(errno.EBUSY, "is in use by port %s: remove that port or use another interface", h.users[n].Port)
	}
	h.users = append(h.users, i)
	h.lock.tell(h.ports())
	return h, nil
}

// newHeld locks an interface that this process does not use yet.
func newHeld(i *Interface, k key, name string) (*held, error) {
	dir, err := ensureDir()
	if err != nil {
		return nil, err
	}
	h := &held{key: k, journal: newJournal(dir, i.ns, k.ns, k.id(), name)}
	h.journal.Index = k.index
	if h.lock, err = acquire(i.ns, k.id()); err != nil {
		return nil, err
	}
	if old, err := readJournal(h.journal.path); err == nil && old.isAbout(i.ns) {
		old.undo(i.kern)
	}
	return h, nil
}

func (h *held) ports() (names []string) {
	for _, u := range h.users {
		names = append(names, u.Port)
	}
	return names
}

// release undoes what i changed; the last user unlocks the interface.
func (h *held) release(i *Interface) {
	table.Lock()
	defer table.Unlock()
	h.journal.undoBy(i)
	h.users = slices.DeleteFunc(h.users, func(u *Interface) bool { return u == i })
	if len(h.users) > 0 {
		h.lock.tell(h.ports())
		return
	}
	h.journal.remove()
	h.lock.release()
	delete(table.all, h.key)
}
