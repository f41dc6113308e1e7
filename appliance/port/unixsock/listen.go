// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// patience is how long a waiting client leaves a port the time to fetch what
// a client that hung up has sent.
const patience = time.Second

// listen opens the listening socket.
func (d *device) listen() error {
	abstract := d.path[0] == '@'
	if !abstract {
		if err := clear(d.path); err != nil {
			return err
		}
	}
	fd, err := sys.ListenSeqpacket(d.path)
	if err != nil {
		return err
	}
	d.listener = fd
	if !abstract {
		if d.file, err = os.Lstat(d.path); err != nil {
			return err
		}
	}
	return nil
}

// clear removes a socket that nobody listens on any more. Nothing else is
// ever removed.
func clear(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // or its directory does not exist: binding will tell
	}
	if err != nil {
		return fmt.Errorf("bind(%s) failed: %w", path, err)
	}
	if st.Mode()&fs.ModeSocket == 0 {
		return errno.Errorf(errno.EINVAL, "path: %q: exists and is not a socket", path)
	}
	used, err := sys.UnixSocketInUse(path)
	if err != nil {
		return fmt.Errorf("bind(%s) failed: a socket exists: %w", path, err)
	}
	if used {
		return fmt.Errorf("bind(%s) failed: %w", path, syscall.EADDRINUSE)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("bind(%s) failed: stale socket: %w", path, err)
	}
	return nil
}

// unlisten closes the listening socket and removes its file, unless somebody
// has put another one in its place.
func (d *device) unlisten() {
	if d.file != nil {
		// While we still listen nobody else takes the socket for stale.
		if now, err := os.Lstat(d.path); err == nil && os.SameFile(now, d.file) {
			_ = os.Remove(d.path)
		}
	}
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
