// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package hostif is a network interface of the host as ports use it: who has
// it, what was changed on it, and how it comes back.
//
//	state directory            while a process uses the interface
//	  <netns>-<index>.lock     locked by it; says who it is
//	  <netns>-<index>.json     what it changed, with the values from before
//
// The lock is the process's: it dies with it. A journal whose lock is free was
// left by a process that had no time to clean up; Recover, or the next Claim
// of the interface, undoes what it says.
//
// Not everything needs a journal. What belongs to a descriptor (promiscuous
// membership of a packet socket, an XDP link, a TAP device wherever it was
// moved) is undone by the kernel when the process is gone, however it ended.
package hostif
