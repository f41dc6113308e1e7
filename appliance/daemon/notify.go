// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notifier tells the service manager about the daemon (sd_notify(3)). Without
// one it does nothing.
type notifier struct {
	socket string
	log    *slog.Logger
}

// newNotifier reads and removes the environment variable that names the
// manager's socket: children are not to speak for the daemon.
func newNotifier(log *slog.Logger) *notifier {
	n := &notifier{socket: os.Getenv("NOTIFY_SOCKET"), log: log}
	_ = os.Unsetenv("NOTIFY_SOCKET")
	if n.socket != "" && !strings.HasPrefix(n.socket, "/") && !strings.HasPrefix(n.socket, "@") {
		log.Warn("NOTIFY_SOCKET is not understood", "value", n.socket)
		n.socket = ""
	}
	return n
}

// tell sends states such as "READY=1". A manager that is not there is no
// reason to fail.
func (n *notifier) tell(states ...string) {
	if n.socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		n.log.Warn("the service manager cannot be told", "error", err)
		return
	}
	defer func() { _ = c.Close() }()
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte(strings.Join(states, "\n"))); err != nil {
		n.log.Warn("the service manager cannot be told", "error", err)
	}
}

// watchdog returns how often the manager wants to hear from the daemon at
// least, 0 for never.
func (n *notifier) watchdog() time.Duration {
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 63)
	if pid := os.Getenv("WATCHDOG_PID"); n.socket == "" || err != nil || us <= 0 || us > int64(time.Hour/time.Microsecond) ||
		pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}
