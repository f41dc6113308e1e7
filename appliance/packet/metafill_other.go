// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func blend(ps []Packet, off int, value, mask *metaLine) {
	blendPortable(ps, off, value, mask)
}

func clearMetadata(ps []Packet, n int) { clearPortable(ps, n) }
