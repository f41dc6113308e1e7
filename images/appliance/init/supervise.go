// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// apply makes the machine what the seed says.
func (b *box) apply() {
	name := "bess"
	if b.told != nil && b.told.Hostname != "" && b.told.right("hostname") {
		name = b.told.Hostname
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		logf(warning, "host name %s: %v", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.startNetwork(ctx)
	b.divide()
	b.prepareIdentity()
	b.prepareDeclaration()
	b.links.wait(addressTime)
}

// Times of watching over bessd.
const (
	firstPause = time.Second
	longPause  = 30 * time.Second
	// healthy is how long it must run to be taken for well.
	healthy = 30 * time.Second
	// termTime is how long it may take to end.
	termTime = 10 * time.Second
	// addressTime is how long bessd waits for an address: its certificate is
	// for those that it finds.
	addressTime = 10 * time.Second
	// answerTime is how long it must answer before the image is marked good.
	answerTime = 3 * time.Second
)

// supervisor runs bessd for as long as the machine runs.
type supervisor struct {
	b     *box
	ended chan struct{} // closed when it must not start again
	over  chan struct{} // closed when it does not run any more
	pid   atomic.Int64  // of bessd, which is waited for where it is started
	// served says that it has answered since it was started.
	served   atomic.Bool
	failed   chan struct{} // takes one for every time that it has ended by itself
	blessing sync.Once     // the counters can be taken off once
	blessed  chan struct{} // closed when the image is marked as good
}

func (b *box) supervise() *supervisor {
	s := &supervisor{b: b, ended: make(chan struct{}), over: make(chan struct{}), failed: make(chan struct{}, trialStarts), blessed: make(chan struct{})}
	go s.run()
	go b.trial(s.failed, s.blessed)
	go reap(&s.pid)
	return s
}

// end ends bessd and waits for that.
func (s *supervisor) end() {
	close(s.ended)
	<-s.over
}

func (s *supervisor) run() {
	defer close(s.over)
	pause := firstPause
	for {
		started := time.Now()
		s.served.Store(false)
		err := s.once()
		select {
		case <-s.ended:
			return
		default:
		}
		if time.Since(started) >= healthy {
			pause = firstPause
		}
		s.b.refused(s.served.Load())
		select {
		case s.failed <- struct{}{}:
		default: // nobody counts any more
		}
		s.b.facts.bad("bessd", "it ended after %.1f s: %v; it starts again in %s", time.Since(started).Seconds(), err, pause)
		select {
		case <-s.ended:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

// once runs bessd until it ends.
func (s *supervisor) once() error {
	cmd := exec.Command(daemon, s.b.arguments()...)
	cmd.Env = []string{"PATH=/bin", "HOME=/", "GOTRACEBACK=all"}
	cmd.Dir = "/"
	log.forget()
	g, err := newGuard(notifySocket, daemonLimits)
	if err != nil {
		return err
	}
	return g.run(cmd, func(p *os.Process, gone <-chan struct{}) {
		s.pid.Store(int64(p.Pid))
		go s.watch(p, gone)
	})
}

// watch marks the image as good when bessd answers, and ends bessd when the
// machine goes down.
func (s *supervisor) watch(p *os.Process, gone <-chan struct{}) {
	answering := time.Time{}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-s.ended:
			_ = p.Signal(unix.SIGTERM)
			select {
			case <-gone:
			case <-time.After(termTime):
				logf(severe, "bessd does not end; it is killed")
				_ = p.Kill()
			}
			return
		case <-tick.C:
		}
		switch {
		case answering.IsZero():
			if answers() {
				answering = time.Now()
				logf(notice, "bessd answers")
				s.b.facts.good("bessd")
				s.served.Store(true)
				s.b.accepted()
			}
		case time.Since(answering) > answerTime:
			tick.Stop()
			s.blessing.Do(func() {
				s.b.bless()
				close(s.blessed)
			})
		}
	}
}

// answers reports whether bessd serves: a server of HTTP/2 begins with its
// settings (RFC 9113 section 3.4).
func answers() bool {
	c, err := net.DialTimeout("unix", apiSocket, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	const settings = 4 // type of a frame
	empty := []byte{0, 0, 0, settings, 0, 0, 0, 0, 0}
	if _, err := c.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), empty...)); err != nil {
		return false
	}
	head := make([]byte, len(empty))
	_, err = io.ReadFull(c, head)
	return err == nil && head[3] == settings
}

// Where bessd serves: this machine, and others.
const (
	apiSocket = runDir + "/bessd.sock"
	apiListen = ":10514"
)

// arguments are those of bessd.
func (b *box) arguments() []string {
	args := []string{"-f", "-i", filepath.Join(runDir, "bessd.pid"), "-grpc_url", "unix:" + apiSocket, "-tls_listen", apiListen,
		"-store", storeDir, "-log_history", logFile, "-buffers", strconv.Itoa(b.tune.buffers)}
	args = append(args, b.identity...)
	if len(b.tune.isolated) > 0 {
		args = append(args, "-c", strconv.Itoa(b.tune.isolated[0]))
	}
	if b.handing {
		args = append(args, "-declaration", declarationFile)
	}
	return args
}
