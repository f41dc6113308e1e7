// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vhost exchanges packets with a virtio network device through memory
// that two processes share (vhost-user: QEMU, docs/interop/vhost-user.rst;
// split rings: Virtual I/O Device 1.1, section 2.6; frames: section 5.1.6).
//
//	virtual machine, or Front       local socket         Back, in this process
//	+---------------------------+  requests, memory   +------------------------+
//	| driver: owns the memory,  |  and event          | device: fills buffers  |
//	| offers buffers            |<===descriptors=====>| it is offered, empties |
//	+---------------------------+                     | the others             |
//	    ring 2q:   Back.Send(q) -> buffers -> Front.Recv(q)
//	    ring 2q+1: Back.Recv(q) <- buffers <- Front.Send(q)
//
// Back is what a machine's network card plugs into. Front is the other end,
// for joining two engines, or an engine and a switch that offers only a Back.
//
// # The other side is hostile
//
// All that is read from shared memory may be wrong, and may change while it
// is being read: indices, lengths, addresses, chains that run in circles. So
// everything is copied out once, then checked, then used; addresses become
// slices of mapped regions, never pointers; chains are bounded by a count. A
// chain that makes no sense is given back and counted. An index that makes no
// sense ends the connection, because the ring cannot be followed any more.
//
// A front end may also cut the file off that is behind the memory. Touching
// what is missing then raises SIGBUS. Forbidding it (F_SEAL_SHRINK) is not
// enough, since files of huge pages, which many front ends use, cannot be
// sealed. Therefore every access of a worker runs with faults turned into
// panics (debug.SetPanicOnFault) and a recover, which ends the connection,
// and nothing else.
//
// The process at the other end of the socket is trusted in one point: it gets
// event descriptors from us, or gives us some, and could make writing to them
// block. That they are eventfds is checked and they are made non-blocking
// when they arrive. Who may connect is a matter of the socket's permissions.
//
// # Workers
//
// Recv and Send of a queue belong to one worker each. They take no lock,
// allocate nothing, and make a system call only if the other side wants to be
// woken. The control side takes a ring away by clearing a pointer and waiting
// until no worker is inside (see gate).
package vhost
