// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package sys is the house's only door to the machine: memory outside the Go
// heap, the time stamp counter, CPU affinity, sockets and rings. Everything
// that needs unsafe or golang.org/x/sys/unix lives here, so that the rest of
// the appliance is ordinary Go.
package sys
