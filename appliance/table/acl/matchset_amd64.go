// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "golang.org/x/sys/cpu"

var avx512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ

// matchSet is matchSetPortable.
func (t *ternary) matchSet(keys *[64]Key) uint64 {
	if avx512 {
		return matchSetAVX512(t, keys)
	}
	return t.matchSetPortable(keys)
}

// matchSetAVX512 compares eight keys at a time.
//
//go:noescape
func matchSetAVX512(t *ternary, keys *[64]Key) (set uint64)
