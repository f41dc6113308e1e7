// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "unsafe"

// slotsIn returns mem as slots, of which it must be a whole number, unless its
// alignment forbids that.
func slotsIn(mem []byte) ([]memoSlot, bool) {
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if uintptr(p)%unsafe.Alignof(memoSlot{}) != 0 {
		return nil, false
	}
	return unsafe.Slice((*memoSlot)(p), len(mem)/MemoSlotSize), true
}
