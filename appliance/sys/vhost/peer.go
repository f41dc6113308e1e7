// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/localsock"
)

const (
	// redial is the time between attempts to connect.
	redial = 500 * time.Millisecond
	// turn is how long a second peer waits for the first to go.
	turn = time.Second
)

// peer is the process at the other end of the socket, one at a time, for both
// sides of the protocol. It may come and go.
type peer struct {
	path   string
	client bool                      // connect, instead of listening
	serve  func(*net.UnixConn) error // speaks until the connection ends
	log    *slog.Logger
	ended  sync.WaitGroup

	listener *net.UnixListener
	file     os.FileInfo
	next     chan *net.UnixConn // accepted
	closing  chan struct{}

	mu   sync.Mutex
	conn *net.UnixConn // nil: nobody is connected
	pid  int32
	why  error // why the last connection ended; nil: there was none
}

// open starts to listen, or to connect.
func (p *peer) open() error {
	p.closing = make(chan struct{})
	p.next = make(chan *net.UnixConn)
	if p.client {
		p.ended.Go(p.dialAll)
		return nil
	}
	if err := localsock.Clear(p.path); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen at %s: %w", p.path, err)
	}
	l.SetUnlinkOnClose(false)
	if p.file, err = localsock.Mark(p.path); err != nil {
		_ = l.Close()
		return err
	}
	p.listener = l
	p.ended.Go(p.acceptAll)
	p.ended.Go(p.serveAll)
	return nil
}

// close hangs up and waits until everything has ended.
func (p *peer) close() {
	if p.closing == nil {
		return
	}
	close(p.closing)
	if p.listener != nil {
		localsock.Remove(p.path, p.file)
		_ = p.listener.Close()
	}
	p.hangUp(nil)
	p.ended.Wait()
}

// acceptAll hands one connection after the other to serveAll. Who does not
// get a turn soon is turned away.
func (p *peer) acceptAll() {
	for {
		c, err := p.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, for example
			p.log.Warn("vhost-user: accept", "path", p.path, "error", err)
			if !p.pause(redial) {
				return
			}
			continue
		}
		select {
		case p.next <- c:
		case <-time.After(turn):
			_ = c.Close()
		case <-p.closing:
			_ = c.Close()
			return
		}
	}
}

func (p *peer) serveAll() {
	for {
		select {
		case c := <-p.next:
			p.run(c)
		case <-p.closing:
			return
		}
	}
}

// dialAll connects, again and again.
func (p *peer) dialAll() {
	for {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: p.path, Net: "unix"})
		if err == nil {
			p.run(c)
		} else {
			p.mu.Lock()
			p.why = err
			p.mu.Unlock()
		}
		if !p.pause(redial) {
			return
		}
	}
}

// pause waits and reports whether to go on.
func (p *peer) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.closing:
		return false
	}
}

// run serves one connection.
func (p *peer) run(c *net.UnixConn) {
	_, pid, _ := sys.PeerCred(c)
	p.mu.Lock()
	p.conn, p.pid, p.why = c, pid, nil
	p.mu.Unlock()
	select {
	case <-p.closing:
		p.hangUp(nil) // close may have come before conn was set
	default:
	}
	p.log.Info("vhost-user: connected", "path", p.path, "pid", pid)
	err := p.serve(c)
	_ = c.Close()
	p.mu.Lock()
	p.conn = nil
	if p.why == nil {
		p.why = err
	}
	why := p.why
	p.mu.Unlock()
	if errors.Is(why, io.EOF) || errors.Is(why, net.ErrClosed) {
		p.log.Info("vhost-user: disconnected", "path", p.path)
	} else {
		p.log.Warn("vhost-user: disconnected", "path", p.path, "error", why)
	}
}

// hangUp ends the connection, if there is one, because of err. Anybody may
// call it.
func (p *peer) hangUp(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil {
		return
	}
	if p.why == nil {
		p.why = err
	}
	_ = p.conn.Close()
}

// notes say where the peer is expected and what became of it.
func (p *peer) notes(what string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := "listens at " + p.path
	if p.client {
		first = "connects to " + p.path
	}
	switch {
	case p.conn != nil:
		return []string{first, fmt.Sprintf("%s of process %d is connected", what, p.pid)}
	case p.why != nil && !errors.Is(p.why, io.EOF):
		return []string{first, fmt.Sprintf("no %s is connected: %v", what, p.why)}
	}
	return []string{first, fmt.Sprintf("no %s is connected", what)}
}
