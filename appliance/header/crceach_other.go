// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package header

func crc32cEach(words []uint32) { crc32cEachPortable(words) }
