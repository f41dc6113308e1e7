// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package hostif is a network interface of the host as ports use it: who has
// it, what was changed on it, and how it comes back.
//
//	@bess/interface/<index>  abstract socket in the namespace: the process
//	                         that listens has the interface, and says so
//	<netns>-<index>.json     in the state directory: what that process changed,
//	                         with the values from before
//
// The socket is the process's: it dies with it. A journal whose socket is free
// was left by a process that had no time to clean up; Recover, or the next Claim
// of the interface, undoes what it says. Interfaces are known by their index: it
// stays the same when they are renamed, and an interface that comes in the place
// of another has another one. Any user of the namespace can occupy such a name;
// who does is named (SO_PEERCRED), to whoever wants the interface and in what
// Recover returns.
//
// An interface that a process makes (Creation) has both from before it exists,
// known by the address that it is made with.
//
// Not everything needs a journal. What belongs to a descriptor (promiscuous
// membership of a packet socket, an XDP link, a TAP device wherever it was
// moved) is undone by the kernel when the process is gone, however it ended.
package hostif
