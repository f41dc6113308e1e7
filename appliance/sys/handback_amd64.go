// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

// handBack gives the frame that begins at done back to the kernel, and asks for
// the beginning of another one: its status to be written, what is behind it to
// be read. The kernel may have filled that frame on another core; then three
// lines of its cache come while others are worked on, not one after the other.
//
// All stores of this processor become visible in their order, so that a plain
// one will do; an atomic one would wait for the lines.
//
//go:noescape
func handBack(done, ahead *byte)
