// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import "golang.org/x/sys/cpu"

// canSift reports whether siftWord and spread can be used.
var canSift = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// siftWord ands to acc, for each of the first n groups of masks and each of 64
// words, what t has for the bytes of the word.
//
//go:noescape
func siftWord(acc *[groups][chunk]byte, words *[chunk]uint64, t *wordTables, n int)

// half copies the first or second word of each pair.
//
//go:noescape
func half(words *[chunk]uint64, pairs *[2 * chunk]uint64, second int)

// aboveAll is above, eight ranks at a time.
//
//go:noescape
func aboveAll(ranks *[chunk]uint64, rank uint64) (set uint64)

// spread turns what siftWord found into a set of keys for each mask of the
// first n groups.
//
//go:noescape
func spread(sets *[sieveMasks]uint64, acc *[groups][chunk]byte, n int)
