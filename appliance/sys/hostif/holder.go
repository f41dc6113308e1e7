// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// holder is the error that a process has a lock, and who that is as far as the
// kernel tells: the one that has made the socket listen.
type holder struct {
	address string // of the lock
	pid     int32  // 0: not to be seen from here
	user    string // "" if the kernel tells nothing
	ports   string // what it says of itself
}

// named returns the holder at the other end of a connection, and whether what
// it says may be believed, and waited for: it is of our user, or root's.
func named(c *net.UnixConn) (h *holder, trusted bool) {
	h = &holder{address: c.RemoteAddr().String()}
	uid, pid, err := sys.PeerCred(c)
	if err != nil {
		return h, false
	}
	h.pid, h.user = pid, strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(h.user); err == nil {
		h.user = printable([]byte(u.Username))
	}
	return h, uid == 0 || int(uid) == os.Geteuid()
}

// Error tells who it is and what to do. Where no port is named it need not be
// a daemon, nor the process that has the socket by now.
func (h *holder) Error() string {
	who := "process " + strconv.Itoa(int(h.pid))
	switch {
	case h.user == "":
		who = "another process"
	case h.pid == 0:
		who = "a process in another container"
	default:
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", h.pid)); err == nil {
			who += " (" + printable(b) + ")"
		}
	}
	if h.user != "" {
		who += " of user " + h.user
	}
	if h.ports != "" {
		return fmt.Sprintf("is in use by port %s of %s: remove that port or end that process, or use another interface", h.ports, who)
	}
	return fmt.Sprintf("is in use by %s, which names no port: end that process (ss -xlp src %s shows it in the network namespace of the interface), or use another interface",
		who, h.address)
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
