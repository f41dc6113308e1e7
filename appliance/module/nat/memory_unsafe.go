// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"sync/atomic"
	"unsafe"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// mapOf returns n zeroed elements outside the Go heap, and the memory to give
// back.
func mapOf[T mapping | atomic.Uint32](n int) ([]T, []byte, error) {
	var zero T
	mem, err := sys.Map(n * int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), n), mem, nil
}

// mapSpace returns the two parts of a space in one piece of memory.
func mapSpace() (index []atomic.Uint32, used []uint64, mem []byte, err error) {
	const n = transports * allPorts
	mem, err = sys.Map(n*4 + n/8)
	if err != nil {
		return nil, nil, nil, err
	}
	p := unsafe.Pointer(unsafe.SliceData(mem))
	return unsafe.Slice((*atomic.Uint32)(p), n), unsafe.Slice((*uint64)(unsafe.Add(p, n*4)), n/64), mem, nil
}
