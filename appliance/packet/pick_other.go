// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

// CanPick reports whether Equal and Pick are fast: ones that look at packets
// one by one gain nothing over a loop that sorts them.
const CanPick = false

func equal(keys *[BatchSize]uint16, key uint16) (mask uint64) { return equalPortable(keys, key) }

func pick(dst, src *Batch, mask uint64) { pickPortable(dst, src, mask) }
