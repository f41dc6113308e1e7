// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

// CanPick reports whether Pick is fast: one that looks at packets one by one
// gains nothing over a loop that sorts them.
const CanPick = false

func pick(dst, src *[BatchSize]Packet, keys *[BatchSize]uint16, key uint16, of uint64) (mask uint64) {
	return pickPortable(dst, src, keys, key, of)
}
