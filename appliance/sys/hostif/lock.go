// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

const (
	// patience is how long another process may take to say for which ports it
	// has an interface. Who does not is still named by the kernel.
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
	at := &net.UnixAddr{Net: "unix", Name: "@bess/interface/" + id}
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
		return errno.Errorf(errno.EBUSY, "is in use by another process")
	})
	if err != nil {
		return nil, err
	}
	l.ended.Go(l.answer)
	return l, nil
}

// busy tells who has a lock. ECONNREFUSED means nobody at this moment.
func busy(at *net.UnixAddr) error {
	c, err := net.DialUnix("unix", nil, at)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	if err != nil {
		return errno.Errorf(errno.EBUSY, "is in use by another process")
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	ports, _ := io.ReadAll(io.LimitReader(c, maxAnswer))
	who := ""
	if len(ports) > 0 {
		who = "port " + printable(ports) + " of "
	}
	_, pid, err := sys.PeerCred(c)
	if err != nil || pid == 0 { // it is in a PID namespace that is not ours
		who += "a process in another container"
	} else {
		who += fmt.Sprintf("process %d", pid)
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
			who += " (" + printable(b) + ")"
		}
	}
	return errno.Errorf(errno.EBUSY, "is in use by %s: remove that port or end that process, or use another interface", who)
}

// printable makes text of what another process says fit for a message.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(b))
}

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
