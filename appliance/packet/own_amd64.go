// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// own asks for the headers of packets to write to them soon (PREFETCHW, which
// processors without it take for a no-op). Packets from the pool may be in the
// caches of the core that freed them: the first stores then wait for each line
// in turn, while those asked for come side by side.
//
//go:noescape
func own(ps []Packet)
