// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Right is a capability (capabilities(7)) and what a daemon uses it for.
type Right struct {
	capability int
	// Name is the capability's.
	Name string
	// Drivers are those whose ports cannot be opened without it.
	Drivers []string
	// Without says what does not work without it.
	Without string
}

// rights are all that a daemon can make use of.
var rights = []Right{
	{unix.CAP_NET_RAW, "CAP_NET_RAW", []string{"AFPacketPort", "AFXDPPort", "PCAPPort", "VethPort"},
		"AFPacketPort, AFXDPPort, PCAPPort and VethPort cannot be opened, nor PMDPort with a network interface (pci, port_id, net_af_packet, net_af_xdp, net_pcap with iface)"},
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", []string{"AFXDPPort", "TAPPort", "VPort", "VethPort"},
		"AFXDPPort, TAPPort, VPort and VethPort cannot be opened, nor PMDPort with net_af_xdp or net_tap; the MTU, address and state of an interface cannot be changed; AFPacketPort and others with packet sockets send packets one by one"},
	{unix.CAP_BPF, "CAP_BPF", []string{"AFXDPPort"},
		"AFXDPPort cannot be opened, nor VethPort with af_xdp or PMDPort with net_af_xdp; with pci and port_id it uses packet sockets instead; AFPacketPort and others with packet sockets, VethPort among them, send packets one by one (CAP_SYS_ADMIN includes this one)"},
	{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN", nil,
		"TAPPort, VPort and VethPort cannot put their interface into another network namespace or a container (that of a process needs CAP_SYS_PTRACE, too)"},
	{unix.CAP_IPC_LOCK, "CAP_IPC_LOCK", nil,
		"the frames of all queues of AFXDPPort must fit into the limit of locked memory (ulimit -l)"},
	{unix.CAP_SYS_NICE, "CAP_SYS_NICE", nil,
		"workers with a core of their own get no precedence over other programs there"},
}

// Rights returns the capabilities that a daemon can make use of.
func Rights() []Right { return rights }

// MissingRights returns those that the calling thread does not have. A
// capability whose purpose is fulfilled otherwise is not missing.
func MissingRights() (missing []Right) {
	for _, r := range rights {
		if MissingCapabilities(r.capability) == "" || r.capability == unix.CAP_IPC_LOCK && LocksAll() {
			continue
		}
		missing = append(missing, r)
	}
	return missing
}

// LocksAll reports whether there is no limit of locked memory.
func LocksAll() bool {
	var l unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l) == nil && l.Cur == unix.RLIM_INFINITY
}

// capabilityName returns the name of a capability.
func capabilityName(n int) string {
	for _, r := range rights {
		if r.capability == n {
			return r.Name
		}
	}
	if n == unix.CAP_PERFMON { // which a daemon has no use for
		return "CAP_PERFMON"
	}
	return fmt.Sprintf("capability %d", n)
}
