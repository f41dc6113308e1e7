// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// An interface that is gone is made again after the shortest pause, and if
// that fails after ever longer ones.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 4 * time.Second
)

// check is told what the kernel answered to a worker. It costs nothing unless
// the interface is gone.
func (d *Device) check(err syscall.Errno) {
	if err == syscall.EBADFD && d.gone.CompareAndSwap(false, true) {
		select {
		case d.lost <- struct{}{}:
		default:
		}
	}
}

// keep makes the interface again whenever it is gone, until Close.
func (d *Device) keep() {
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	pause := shortestPause
	for {
		select {
		case <-d.over.Done():
			return
		case <-d.lost:
			pause = shortestPause
			if d.alive() {
				d.gone.Store(false) // it was an older one that is gone
				continue
			}
			d.presence.Lost("was deleted, or the network namespace that it was in")
			for i := range d.in {
				d.in[i].slot.Clear()
			}
		case <-timer.C:
		}
		if !d.again() {
			timer.Reset(pause)
			pause = min(2*pause, longestPause)
		}
	}
}

// alive reports whether the interface of the moment exists.
func (d *Device) alive() bool {
	_, err := nameOf(d.in[0].slot.FD())
	return err == nil
}

// again tries to make the interface again. Looking for a container may take its
// time, in which everything else goes on.
func (d *Device) again() bool {
	where := d.o.Where.Find(d.over)
	d.mu.Lock()
	defer d.mu.Unlock()
	fds, err := d.create(where)
	if err == nil {
		err = d.connect(fds)
	}
	if d.trouble = err; err != nil {
		for i := range d.in {
			d.in[i].slot.Clear()
		}
		d.presence.Lost(fmt.Sprintf("was deleted, and cannot be made again: %v", err))
		return false
	}
	d.returns++
	d.gone.Store(false)
	d.presence.Back(d.o.mode())
	return true
}

// Presence says whether the interface is there.
func (d *Device) Presence() []presence.State {
	if !d.gone.Load() {
		d.look()
	}
	return []presence.State{d.presence.State(d.o.Name)}
}

// mode describes how the interface is driven.
func (o *Options) mode() string { return fmt.Sprintf("TAP device with %d queues", o.Incoming) }

// look finds out that the interface is gone when no worker does.
func (d *Device) look() {
	p := []unix.PollFd{{Fd: int32(d.in[0].slot.FD())}}
	if n, err := unix.Poll(p, 0); err == nil && n == 1 && p[0].Revents&unix.POLLERR != 0 {
		d.check(syscall.EBADFD)
	}
}
