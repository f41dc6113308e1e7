// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// Network is a set of network namespaces with names, in which real programs
// are the peers of a pipeline. It ends with the test.
type Network struct {
	t       testing.TB
	Prefix  string // of the names
	daemons int
}

var networks atomic.Int32

// NewNetwork makes namespaces. Duplicate address detection is off in them, or
// every IPv6 test would begin with seconds of waiting.
func NewNetwork(t testing.TB, names ...string) *Network {
	t.Helper()
	need(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		skip(t, noTun)
	}
	for _, p := range []string{"ip", "ping", "curl", "tcpdump", "iperf3"} {
		if _, err := exec.LookPath(p); err != nil {
			skip(t, noProgram)
		}
	}
	if os.Geteuid() != 0 || exec.Command("unshare", "-n", "true").Run() != nil {
		skip(t, noNetns)
	}
	n := &Network{t: t, Prefix: fmt.Sprintf("bess%d-%d-", os.Getpid(), networks.Add(1))}
	for _, name := range names {
		n.add(name)
		for _, set := range []string{"accept_dad", "router_solicitations"} {
			n.Must(name, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/"+set)
		}
	}
	return n
}

// add makes a namespace.
func (n *Network) add(name string) {
	n.t.Helper()
	if out, err := exec.Command("ip", "netns", "add", n.Prefix+name).CombinedOutput(); err != nil {
		n.t.Fatalf("namespace %s: %v\n%s", name, err, out)
	}
	n.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.Prefix+name).Run() })
	n.Must(name, "ip", "link", "set", "lo", "up")
}

// Daemon runs bessd in a namespace of its own until the test ends: interfaces
// that are only its own never meet those of the machine.
func (n *Network) Daemon(args ...string) *Daemon {
	n.t.Helper()
	n.daemons++
	name := fmt.Sprintf("bessd%d", n.daemons)
	n.add(name)
	d := start(n.t, []string{"ip", "netns", "exec", n.Prefix + name}, args...)
	d.home = name
	return d
}

// Home returns the namespace that a Network's daemon runs in.
func (d *Daemon) Home() string { return d.home }

// command prepares a program in a namespace. It has five minutes.
func (n *Network) command(name string, args ...string) (*exec.Cmd, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Prefix + name}, args...)...), cancel
}

// Run runs a program in a namespace and returns what it printed.
func (n *Network) Run(name string, args ...string) (string, error) {
	cmd, cancel := n.command(name, args...)
	defer cancel()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Must is Run for what must succeed.
func (n *Network) Must(name string, args ...string) string {
	n.t.Helper()
	out, err := n.Run(name, args...)
	if err != nil {
		n.t.Fatalf("%s in %s: %v\n%s", strings.Join(args, " "), name, err, out)
	}
	return out
}

// Start runs a program in a namespace until the test ends, or stop is called.
func (n *Network) Start(name string, args ...string) (stop func()) {
	n.t.Helper()
	cmd, cancel := n.command(name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	stop = func() { cancel(); _ = cmd.Wait() }
	n.t.Cleanup(stop)
	return stop
}

// inside calls f on a thread in a namespace.
func (n *Network) inside(name string, f func() error) {
	n.t.Helper()
	done := make(chan error)
	go n.enter(name, f, done)
	if err := <-done; err != nil {
		n.t.Fatalf("namespace %s: %v", name, err)
	}
}

// enter is the life of the thread. Only the first one of a process must not
// end in a foreign namespace; another one is used while it waits.
func (n *Network) enter(name string, f func() error, done chan<- error) {
	runtime.LockOSThread()
	if syscall.Gettid() == os.Getpid() {
		instead := make(chan error)
		go n.enter(name, f, instead)
		err := <-instead
		runtime.UnlockOSThread()
		done <- err
		return
	}
	h, err := netns.GetFromName(n.Prefix + name)
	if err == nil {
		err = netns.Set(h)
		_ = h.Close()
	}
	if err == nil {
		err = f()
	}
	done <- err // the thread ends with its goroutine
}

// Serve answers HTTP at port 80 of all addresses in a namespace until the test
// ends.
func (n *Network) Serve(name string, h http.Handler) {
	n.t.Helper()
	var l net.Listener
	n.inside(name, func() (err error) { l, err = net.Listen("tcp", ":80"); return err })
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	n.t.Cleanup(func() { _ = s.Close() })
}

// Reach waits until an address answers an echo request.
func (n *Network) Reach(name, address string) {
	n.t.Helper()
	Eventually(n.t, address+" answers "+name, func() bool {
		_, err := n.Run(name, "ping", "-c", "1", "-W", "1", address)
		return err == nil
	})
}

// Capture is a running tcpdump.
type Capture struct {
	n    *Network
	file string
	stop func()
}

// Capture records the packets of an interface that a filter fits.
func (n *Network) Capture(name, iface, filter string) *Capture {
	n.t.Helper()
	c := &Capture{n: n, file: filepath.Join(n.t.TempDir(), "capture.pcap")}
	c.stop = n.Start(name, "tcpdump", "-U", "--immediate-mode", "-B", "16384", "-Z", "root", "-i", iface, "-w", c.file, filter)
	Eventually(n.t, "tcpdump has begun", func() bool {
		st, err := os.Stat(c.file)
		return err == nil && st.Size() >= 24
	})
	return c
}

// calm is how long nothing must have been recorded for all to be.
const calm = 500 * time.Millisecond

// Packets waits until at least so many have been recorded and no more come,
// ends the recording and returns them.
func (c *Capture) Packets(atLeast int) [][]byte {
	c.n.t.Helper()
	Eventually(c.n.t, fmt.Sprintf("%d packets are recorded", atLeast), func() bool {
		st, err := os.Stat(c.file)
		return err == nil && time.Since(st.ModTime()) > calm && len(readCapture(c.n.t, c.file)) >= atLeast
	})
	c.stop()
	return readCapture(c.n.t, c.file)
}

// Script runs a script of an example against the daemon.
func (d *Daemon) Script(path string, env ...string) {
	d.t.Helper()
	cmd := exec.Command(Example(path))
	cmd.Env = append(append(os.Environ(), d.env...), env...)
	cmd.Env = append(cmd.Env, "BESS_ADDRESS="+d.Address(), "BESSCTL="+program("bessctl"))
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", path, err, out)
	}
}
