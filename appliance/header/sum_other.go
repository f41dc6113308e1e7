// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package header

func sumBlocks(data []byte) (sum uint64, rest []byte) { return sumBlocksPortable(data) }
