// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// own asks for the headers of packets to write to them soon (PREFETCHW, which
// processors without it take for a no-op). Packets from the pool or a ring may be
// in the caches of another core: the first accesses then wait for each line in
// turn, while those asked for come side by side.
//
//go:noescape
func own(ps []Packet)
