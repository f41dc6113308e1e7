// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import "golang.org/x/sys/cpu"

// canProbe reports whether probe1 can be used.
var canProbe = cpu.X86.HasBMI2 && cpu.X86.HasBMI1 && cpu.X86.HasAVX512F

// probe1 writes to found[i], for up to chunk keys of one word and at least one,
// the slot of the key's first line that has its hash; if there is none empty,
// or deleted if the key may be in another line.
//
//go:noescape
func probe1(v *View, keys []uint64, found *[chunk]uint64)
