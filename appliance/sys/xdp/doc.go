// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package xdp moves packets between the engine's buffers and a network
// interface through AF_XDP sockets (Documentation/networking/af_xdp.rst).
//
//	interface ── XDP program ──┬─ queue 0 ── socket ── Recv(0), Send(0)
//	                           ├─ queue 1 ── socket ── Recv(1), Send(1)
//	                           └─ other queues: to the host, as before
//
// Each queue has frames of its own, half of them to receive into and half to
// send from, in memory shared with the kernel. Packets are copied between
// them and the engine's buffers. To have the kernel use the buffers themselves
// would need chunks that begin at any place, which few drivers take, and would
// let packets that wait somewhere in a pipeline starve the interface. Copying 60
// bytes both ways takes about a tenth of the time that the kernel spends on a
// packet (BenchmarkCopy, BenchmarkForward).
//
// The program is attached by a link, which the kernel cuts when the process
// ends, however it ends.
//
// What workers call (Recv, Send) neither waits, locks nor allocates; each
// direction of a queue belongs to one worker at a time. All else is for the
// control side.
package xdp
