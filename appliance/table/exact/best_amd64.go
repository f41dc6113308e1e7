// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import "golang.org/x/sys/cpu"

// canBest reports whether best2 can be used.
var canBest = cpu.X86.HasBMI1 && cpu.X86.HasBMI2 // with which LZCNT came

// best2 is Best.Lookup for keys of two words, values of at least two and a set
// that is not empty, but for the keys in more: the first slot looked at has
// another one. What is there cannot be guessed, so nothing branches on it.
//
//go:noescape
func best2(v *View, mask *[2]uint64, set, table uint64, b *Best) (found, more uint64)
