// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package wildcard

const canSift = false

// Never called.
func siftWord(*[groups][chunk]byte, *[chunk]uint64, *wordTables, int) {}
func half(*[chunk]uint64, *[2 * chunk]uint64, int)                    {}
func aboveAll(*[chunk]uint64, uint64) (set uint64)                    { return 0 }
func spread(*[sieveMasks]uint64, *[groups][chunk]byte, int)           {}
