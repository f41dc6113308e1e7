// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// again is when to try again what did not succeed.
const again = time.Second

// watcher looks after an interface that may go and come back.
type watcher struct {
	i      *Interface
	reopen func() error
	mode   func() string
	stop   chan struct{}
	over   chan struct{}
	end    func()
}

// Watch has reopen called whenever the interface went away and one of its name
// came, until Close: again and again each second as long as it fails. The
// interface that came is claimed by then and has got the settings that were
// asked for. Close waits for a reopen under way. mode says how the interface is
// driven then, for Presence.
func (i *Interface) Watch(reopen func() error, mode func() string) error {
	w := &watcher{i: i, reopen: reopen, mode: mode, stop: make(chan struct{}), over: make(chan struct{})}
	w.end = sync.OnceFunc(func() { close(w.stop); <-w.over })
	updates, err := w.subscribe()
	if err != nil {
		return err
	}
	if a, err := i.Attrs(); err == nil {
		i.see(a) // what changed before somebody listened
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.watch = w
	go w.run(updates)
	return nil
}

func (w *watcher) subscribe() (<-chan netlink.LinkUpdate, error) {
	updates := make(chan netlink.LinkUpdate)
	// The socket stays in the namespace it is opened in.
	err := w.i.Do(func() error { return netlink.LinkSubscribe(updates, w.stop) })
	return updates, err
}

func (w *watcher) run(updates <-chan netlink.LinkUpdate) {
	defer close(w.over)
	defer func() {
		if updates != nil {
			for range updates { // until the subscription has ended, too
			}
		}
	}()
	t := time.NewTicker(again)
	t.Stop()
	defer t.Stop()
	gone := w.i.isGone()
	for {
		select {
		case <-w.stop:
			return
		case u, ok := <-updates:
			if !ok {
				// Too much happened at once for the kernel to tell; begin anew
				// in a moment.
				updates = nil
				t.Reset(again / 100)
				continue
			}
			if u.Attrs().Index == w.i.Index() && u.Family != syscall.AF_BRIDGE { // which is about a bridge's port
				gone = gone || u.Header.Type == syscall.RTM_DELLINK
				w.i.see(u.Attrs())
			}
		case <-t.C:
		}
		if updates == nil {
			updates = w.subscribeAgain()
			gone = gone || w.i.isGone()
		}
		found, ok := true, !gone
		if gone {
			w.i.lost()
			found, ok = w.comeBack()
			gone = !ok
		}
		if updates == nil || found && !ok {
			t.Reset(again)
		}
	}
}

// subscribeAgain returns nil if it fails.
func (w *watcher) subscribeAgain() <-chan netlink.LinkUpdate {
	updates, err := w.subscribe()
	if err != nil {
		return nil
	}
	return updates
}

// whyGone is what the kernel has to say of an interface that left a namespace.
const whyGone = "was deleted or moved to another network namespace"

// lost notes that the interface went away. Of one that is away already more may
// be known.
func (i *Interface) lost() {
	if !i.presence.State("").Away {
		i.presence.Lost(whyGone)
	}
}

// Presence says whether the interface is there, as far as Watch knows.
func (i *Interface) Presence() presence.State { return i.presence.State(i.Name()) }

// isGone reports whether the interface does not exist any more.
func (i *Interface) isGone() bool {
	_, err := i.Attrs()
	return errno.Code(err) == errno.ENODEV
}

// comeBack looks for an interface of the name and takes it. It reports whether
// there is one, and whether all went well.
func (w *watcher) comeBack() (found, ok bool) {
	link, err := w.i.kern.LinkByName(w.i.Name())
	if err != nil {
		w.i.presence.Lost(whyGone)
		return false, false
	}
	w.i.see(link.Attrs())
	if err = w.i.follow(link.Attrs()); err == nil {
		err = w.reopen()
	}
	if err != nil {
		w.i.presence.Lost(fmt.Sprintf("came again, but cannot be used: %v", err))
		return true, false
	}
	w.i.presence.Back(w.mode())
	return true, true
}

// see notes what workers want to know of the interface.
func (i *Interface) see(a *netlink.LinkAttrs) {
	i.mtu.Store(int64(a.MTU))
	i.dark.Store(a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP == 0)
}

// Dark reports whether the interface is up but has no link, as far as that has
// been heard of. The kernel drops what sockets send then, and tells nobody. Any
// worker may call it.
func (i *Interface) Dark() bool { return i.dark.Load() }

// follow makes a the attributes of the interface that the claim is about.
func (i *Interface) follow(a *netlink.LinkAttrs) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return errno.Errorf(errno.ENODEV, "interface %s: closed", i.name)
	}
	if i.held.index != a.Index {
		h, err := hold(i, a)
		if err != nil {
			return err
		}
		i.held.release(i)
		i.held = h
	}
	promisc := i.promisc >= 0
	i.dropPromiscuous()
	if promisc {
		err := i.Do(func() (err error) { i.promisc, err = sys.OpenPromiscuous(i.held.index); return err })
		if err != nil {
			return err
		}
	}
	return i.change(i.want, i.asked)
}
