// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock

import (
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/localsock"
)

// patience is how long a waiting client leaves a port the time to fetch what
// a client that hung up has sent.
const patience = time.Second

// listen opens the listening socket.
func (d *device) listen() error {
	if err := localsock.Clear(d.path); err != nil {
		return err
	}
	fd, err := sys.ListenSeqpacket(d.path)
	if err != nil {
		return err
	}
	d.listener = fd
	d.file, err = localsock.Mark(d.path)
	return err
}

// unlisten closes the listening socket and removes its file, unless somebody
// has put another one in its place.
func (d *device) unlisten() {
	localsock.Remove(d.path, d.file)
	d.file = nil
	sys.CloseFD(d.listener)
	d.listener = -1
}

// serve accepts clients until the port is closed. It alone changes the slot.
func (d *device) serve() {
	for !d.closing.Load() {
		client := -1
		if d.connected.Load() {
			client = d.slot.FD()
		}
		ready := sys.AwaitClient(d.listener, d.wake.FD(), client, -1)
		if ready.Wake {
			d.wake.Clear()
		}
		if ready.HungUp {
			d.hangUp(ready.Connect)
		}
		if ready.Connect {
			d.accept()
		}
	}
	d.disconnect()
}

// accept takes the next client, or turns it away while there is one.
func (d *device) accept() {
	if d.connected.Load() && sys.HungUp(d.slot.FD()) {
		d.hangUp(true)
	}
	fd, ok := sys.AcceptClient(d.listener)
	if !ok {
		return
	}
	if d.connected.Load() {
		sys.CloseFD(fd)
		return
	}
	if d.greet && !sys.Write(fd, []byte(confirmation)) {
		sys.CloseFD(fd)
		return
	}
	if err := d.slot.Put(fd); err != nil {
		return
	}
	d.connected.Store(true)
	if err := d.slot.Watch(); err != nil {
		d.disconnect()
	}
}

// hangUp ends the connection of a client that is gone, after what it sent has
// been received. A client that waits for its turn limits the time for that.
func (d *device) hangUp(waiting bool) {
	for sys.Unread(d.slot.FD()) > 0 && !d.closing.Load() {
		listener, limit := d.listener, time.Duration(-1)
		if waiting {
			listener, limit = -1, patience
		}
		// Recv signals when it finds the connection empty.
		ready := sys.AwaitClient(listener, d.wake.FD(), -1, limit)
		if ready.Wake {
			d.wake.Clear()
		}
		if ready == (sys.Ready{}) {
			break // time is up
		}
		waiting = waiting || ready.Connect
	}
	d.disconnect()
}

func (d *device) disconnect() {
	d.connected.Store(false)
	d.slot.Clear()
}
