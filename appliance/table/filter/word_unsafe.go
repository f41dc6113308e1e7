// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"unsafe"
)

// word returns the eight bytes of d at off, which must lie within: what a slice
// of d would check again, for each packet and test, the caller has checked.
func word(d []byte, off uint) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(d)), off))[:])
}
