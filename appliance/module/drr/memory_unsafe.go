// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package drr

import (
	"unsafe"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// mapOf returns n zeroed elements outside the Go heap, and the memory to give
// back.
func mapOf[T uint32 | flow | waiting](n int) ([]T, []byte, error) {
	var zero T
	mem, err := sys.Map(n * int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), n), mem, nil
}
