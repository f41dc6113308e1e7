// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"unsafe"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// mapFlows returns n flows outside the Go heap, and the memory to give back.
func mapFlows(n int) ([]flow, []byte, error) {
	mem, err := sys.Map(n * int(unsafe.Sizeof(flow{})))
	if err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*flow)(unsafe.Pointer(unsafe.SliceData(mem))), n), mem, nil
}
