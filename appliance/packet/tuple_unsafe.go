// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "unsafe"

// tuples is out under another name.
func tuples[T ~struct{ Addrs, Ports uint64 }](out *[BatchSize]T) *[BatchSize]tuple {
	return (*[BatchSize]tuple)(unsafe.Pointer(out))
}
