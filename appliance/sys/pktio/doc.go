// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pktio moves packets between the engine's buffers and the machine:
// network interfaces, message sockets and capture files. Port drivers put the
// contract of a port around it.
//
// What workers call (Recv, Send) neither waits, locks nor allocates; it
// belongs to one worker at a time. All else is for the control side.
package pktio
