// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "unsafe"

// arena hands out typed pieces of one piece of memory outside the Go heap, as
// room for arrays of numbers. Its users take the same pieces in the same
// order twice: first from an arena without memory, which only adds up sizes.
type arena struct {
	mem  []byte
	used int
}

// take returns n zeroed elements that start at a cache line, or nil while
// sizes are added up.
func take[T uint16 | uint32 | uint64](a *arena, n int) []T {
	at := a.used
	a.used += (n*int(unsafe.Sizeof(T(0))) + 63) &^ 63
	if a.mem == nil || n == 0 {
		return nil
	}
	piece := a.mem[at:a.used]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(piece))), n)
}
