// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapWords returns n zeroed 64-bit words outside the Go heap, as Map does.
// They start at a page and are fit for atomic operations.
func MapWords(n int) ([]uint64, error) {
	mem, err := Map(n * 8)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), n), nil
}

// UnmapWords returns memory obtained from MapWords. Nobody may touch it
// afterwards.
func UnmapWords(words []uint64) { Unmap(bytesOf(words)) }

// ZeroWords makes all words obtained from MapWords zero and gives the memory
// behind them back until it is touched again. Others may use the words
// meanwhile: what they store is kept or is zero.
func ZeroWords(words []uint64) {
	if len(words) == 0 {
		return
	}
	if unix.Madvise(bytesOf(words), unix.MADV_DONTNEED) != nil {
		clear(words)
	}
}

func bytesOf(words []uint64) []byte {
	if len(words) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
}
