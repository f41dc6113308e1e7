// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// littleEndian: rings have this order whatever the machine's is. What follows
// needs both to be the same.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// word returns the aligned 32 bits that the 16 bits at offset off lie in, and
// where in them. The memory is mapped, so that whole pages are there. b+off
// must be even.
func word(b []byte, off int) (w *uint32, shift uint) {
	p := unsafe.Pointer(&b[off : off+2 : off+2][0])
	odd := uintptr(p) & 2
	return (*uint32)(unsafe.Add(p, -int(odd))), uint(odd) * 8
}

// load16 reads 16 bits, before whatever is read afterwards.
func load16(b []byte, off int) uint16 {
	w, shift := word(b, off)
	return uint16(atomic.LoadUint32(w) >> shift)
}

// store16 writes 16 bits, after whatever was written and before whatever is
// read afterwards. The bytes beside it belong to the other side. It gives up
// if that keeps writing to them.
func store16(b []byte, off int, v uint16) {
	w, shift := word(b, off)
	for range 1000 {
		old := atomic.LoadUint32(w)
		if atomic.CompareAndSwapUint32(w, old, old&^(0xffff<<shift)|uint32(v)<<shift) {
			return
		}
	}
}

// passed reports whether an index that went from before to now (not included)
// has passed the event the other side waits for (Virtio 1.1, 2.6.7).
func passed(event, before, now uint16) bool { return now-event-1 < now-before }
