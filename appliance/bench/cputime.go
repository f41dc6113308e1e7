// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// A daemon on this machine shows how long its threads have run. A worker that
// spins for packets wants all of its core; what another program took of it is
// not the daemon's fault, so rates can be given per second of CPU time.

// errElsewhere tells that the process of a daemon cannot be seen.
var errElsewhere = errors.New("the daemon's process is not to be seen from here")

// findProcess returns the id of the process that listens on an address:
// host:port on a loopback address, or unix:/path.
func findProcess(address string) (int, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return peer("/" + strings.TrimLeft(path, "/"))
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return 0, errElsewhere
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	// The list of sockets is read in pieces, and one that others leave
	// meanwhile makes the rest move up: a line may be missed.
	pid := 0
	for range 20 {
		if pid, err = owner(n); err == nil {
			break
		}
	}
	return pid, err
}

// peer returns the id of the process that listens on a socket.
func peer(path string) (int, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return 0, errElsewhere
	}
	defer func() { _ = c.Close() }() // nothing was sent
	_, pid, err := sys.PeerCred(c)
	if err != nil || pid == 0 { // 0: of another PID namespace
		return 0, errElsewhere
	}
	return int(pid), nil
}

// owner returns the id of the process that listens on a TCP port (proc(5),
// /proc/net/tcp).
func owner(port int) (int, error) {
	suffix := fmt.Sprintf(":%04X", port)
	inode, err := find([]string{"/proc/net/tcp", "/proc/net/tcp6"}, func(f []string) (string, bool) {
		return at(f, 9), strings.HasSuffix(at(f, 1), suffix) && at(f, 3) == "0A"
	})
	if err != nil {
		return 0, err
	}
	want := "socket:[" + inode + "]"
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == want {
			return strconv.Atoi(strings.Split(l, "/")[2])
		}
	}
	return 0, errElsewhere
}

func at(fields []string, i int) string {
	if i < len(fields) {
		return fields[i]
	}
	return ""
}

func find(files []string, match func(fields []string) (string, bool)) (string, error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		s := bufio.NewScanner(f)
		for s.Scan() {
			if inode, ok := match(strings.Fields(s.Text())); ok {
				return inode, f.Close()
			}
		}
		_ = f.Close() // it was only read
	}
	return "", errElsewhere
}

// threadTimes returns how long each thread of a process that is bound to one
// core alone has run (proc(5), schedstat).
func threadTimes(pid, core int) map[string]time.Duration {
	times := map[string]time.Duration{}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)) // the pattern is well-formed
	for _, t := range tasks {
		status, err := os.ReadFile(filepath.Join(t, "status"))
		if err != nil || !strings.Contains(string(status), fmt.Sprintf("\nCpus_allowed_list:\t%d\n", core)) {
			continue
		}
		times[t] = runTime(t)
	}
	return times
}

// runTime returns how long a thread has run, by its folder below /proc; 0 if
// that cannot be seen.
func runTime(thread string) time.Duration {
	stat, err := os.ReadFile(filepath.Join(thread, "schedstat"))
	if err != nil {
		return 0
	}
	ns, err := strconv.ParseInt(at(strings.Fields(string(stat)), 0), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(ns)
}

// sleeps returns how often a thread has gone to sleep by itself (proc(5), status:
// voluntary_ctxt_switches), by its folder below /proc; 0 if that cannot be seen.
func sleeps(thread string) (n uint64) {
	status, err := os.ReadFile(filepath.Join(thread, "status"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
	_, _ = fmt.Sscan(rest, &n) // 0 if there is no such line
	return n
}

// busiest returns the longest time that a thread has run between two readings.
func busiest(before, after map[string]time.Duration) time.Duration {
	t := busiestThread(before, after)
	return after[t] - before[t]
}

// busiestThread returns the thread that has run longest between two readings,
// "" if none has.
func busiestThread(before, after map[string]time.Duration) (thread string) {
	var most time.Duration
	for t, d := range after {
		if ran := d - before[t]; ran > most {
			thread, most = t, ran
		}
	}
	return thread
}
