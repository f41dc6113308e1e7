// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "sync/atomic"

// own asks for the headers of packets to write to them soon (PREFETCHW, which
// processors without it take for a no-op). Packets from the pool may be in the
// caches of the core that freed them: the first stores then wait for each line
// in turn, while those asked for come side by side.
//
//go:noescape
func own(ps []Packet)

// ownAhead asks for the lines of the next BatchSize slots of a ring, and of its
// next run, in the same way: its consumer may have read them.
//
//go:noescape
func ownAhead(slots *Packet, run *atomic.Uint64)
