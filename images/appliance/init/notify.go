// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// notifySocket is where bessd tells that it lives.
const notifySocket = runDir + "/notify.sock"

// limits of the silence of a program.
type limits struct {
	// ready is how long it may take to say READY=1: with replaying a long
	// declaration on a slow machine.
	ready time.Duration
	// alive is how long it may be silent from then on.
	alive time.Duration
	// abort is how long it may take to write down what it was doing.
	abort time.Duration
}

var daemonLimits = limits{ready: 5 * time.Minute, alive: time.Minute, abort: 5 * time.Second}

// guard plays the service manager of sd_notify(3) for one run of a program: one
// that stops speaking hangs, and is ended.
type guard struct {
	limits
	conn *net.UnixConn
	// heard is called with every state, such as "WATCHDOG=1". Optional.
	heard func(state string)
}

// newGuard listens at a path, where nothing is left of an earlier run.
func newGuard(path string, l limits) (*guard, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &guard{limits: l, conn: conn}, nil
}

// run runs the program until it ends, logs what it writes, and ends it if it
// hangs. started hears of its process and of its end. It closes the guard.
func (g *guard) run(cmd *exec.Cmd, started func(p *os.Process, gone <-chan struct{})) error {
	defer func() { _ = g.conn.Close() }()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	cmd.Stdout, cmd.Stderr = w, w
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+g.conn.LocalAddr().String(), "WATCHDOG_USEC="+strconv.FormatInt(g.alive.Microseconds(), 10))
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return err
	}
	logged, gone, hung := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	started(cmd.Process, gone)
	go func() { copyLines(r, "bessd"); close(logged) }()
	go func() { hung <- g.watch(cmd.Process, gone) }()
	err = cmd.Wait()
	close(gone)
	_ = g.conn.Close()
	<-logged
	why := <-hung
	switch {
	case why != "":
		err = fmt.Errorf("it hung: %s (%w)", why, err)
	case err == nil:
		err = errors.New("exit status 0")
	}
	return err
}

// watch listens until the guard is closed. It ends the program when that is
// silent for too long, and returns why; "" if it has not ended it.
func (g *guard) watch(p *os.Process, gone <-chan struct{}) (why string) {
	buf := make([]byte, 4096)
	limit, doing := g.ready, "it is not ready"
	for last := time.Now(); ; {
		_ = g.conn.SetReadDeadline(last.Add(limit))
		n, err := g.conn.Read(buf)
		switch {
		case err == nil:
			states := strings.Split(string(buf[:n]), "\n")
			for _, s := range states {
				if g.heard != nil {
					g.heard(s)
				}
			}
			if slices.ContainsFunc(states, alive) {
				last, limit, doing = time.Now(), g.alive, "it has said nothing"
			}
		case os.IsTimeout(err):
			why = fmt.Sprintf("%s for %s", doing, limit)
			logf(severe, "bessd hangs: %s; it is aborted", why)
			g.abortOrKill(p, gone)
			return why
		default:
			return ""
		}
	}
}

// alive reports whether a state says that the program does its work.
func alive(state string) bool {
	return state == "READY=1" || state == "WATCHDOG=1" || state == "STOPPING=1"
}

// abortOrKill has a Go program write down what its goroutines are doing, and
// ends one that does not even do that.
func (g *guard) abortOrKill(p *os.Process, gone <-chan struct{}) {
	_ = p.Signal(unix.SIGABRT)
	select {
	case <-gone:
	case <-time.After(g.abort):
		_ = p.Kill()
	}
}
