// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Refused returns err, why a program or map for the kernel could not be made. A
// library supposes the limit of locked memory to be behind every EPERM; if
// capabilities are missing it is them, and only the kernel's answer is returned.
func Refused(err error) error {
	if errors.Is(err, unix.EPERM) && MissingCapabilities(unix.CAP_BPF, unix.CAP_NET_ADMIN) != "" {
		return unix.EPERM
	}
	return err
}

// MissingCapabilities names those of the given capabilities that the calling
// thread does not have, "" if it has all. CAP_SYS_ADMIN includes CAP_BPF and
// CAP_PERFMON.
func MissingCapabilities(needed ...int) string {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if unix.Capget(&h, &d[0]) != nil {
		return ""
	}
	has := func(n int) bool { return d[n/32].Effective&(1<<(n%32)) != 0 }
	var missing []string
	for _, n := range needed {
		if has(n) || (n == unix.CAP_BPF || n == unix.CAP_PERFMON) && has(unix.CAP_SYS_ADMIN) {
			continue
		}
		missing = append(missing, capabilityName(n))
	}
	return strings.Join(missing, ", ")
}
