// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

const (
	// patience is how long a process of our user or root may take to say for
	// which ports it has an interface. Others are not asked: they could keep us
	// waiting, and say what they like. The kernel names them all the same.
	patience = 2 * time.Second
	// attempts is how often a lock is tried for whose owner comes or goes.
	attempts = 10
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 256
)

// lock is the right of this process to something of a network namespace: an
// abstract Unix socket (unix(7)) in there. All processes of the namespace see
// it, whatever files they see, it takes no right to make one, and it goes away
// with its process, however that ends. Who connects is told for which ports.
type lock struct {
	socket *net.UnixListener
	ports  atomic.Pointer[string]
	ended  sync.WaitGroup
}

// acquire locks what is known by an id in a namespace. Errors: EBUSY if another
// process has the lock.
func acquire(ns *netns.Namespace, id string) (*lock, error) {
	l := &lock{}
	l.tell(nil)
	at := &net.UnixAddr{Net: "unix", Name: lockName(id)}
	err := ns.Do(func() (err error) {
		for range attempts {
			if l.socket, err = net.ListenUnix("unix", at); !errors.Is(err, syscall.EADDRINUSE) {
				return err
			}
			if err = busy(at); !errors.Is(err, syscall.ECONNREFUSED) {
				return err
			}
			time.Sleep(time.Millisecond) // its owner does not listen yet, or not any more
		}
		return inUse(&holder{address: at.Name})
	})
	if err != nil {
		return nil, err
	}
	l.ended.Go(l.answer)
	return l, nil
}

// lockName is the address of the socket for an id.
func lockName(id string) string { return "@bess/interface/" + id }

// busy tells who has a lock. ECONNREFUSED means nobody at this moment.
func busy(at *net.UnixAddr) error {
	c, err := net.DialUnix("unix", nil, at)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	if err != nil { // too many want to know already
		return inUse(&holder{address: at.Name})
	}
	defer func() { _ = c.Close() }()
	h, trusted := named(c)
	if trusted {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		ports, _ := io.ReadAll(io.LimitReader(c, maxAnswer))
		h.ports = printable(ports)
	}
	return inUse(h)
}

func inUse(h *holder) error { return errno.Errorf(errno.EBUSY, "%w", h) }

// tell sets for which ports the lock is held.
func (l *lock) tell(ports []string) {
	text := strings.Join(ports, ", ")
	l.ports.Store(&text)
}

// answer tells all who ask, until release.
func (l *lock) answer() {
	for {
		c, err := l.socket.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptor is free
			time.Sleep(patience)
			continue
		}
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, *l.ports.Load())
		_ = c.Close()
	}
}

// release lets others have the lock.
func (l *lock) release() {
	_ = l.socket.Close()
	l.ended.Wait()
}
