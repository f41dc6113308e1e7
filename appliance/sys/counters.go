// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

// CacheLine is the size of what processors exchange, in bytes. What one worker
// writes with every batch must not share a line with what another one reads or
// writes.
const CacheLine = 64

// NewCounters returns n counters of one writer, with cache lines of their own.
func NewCounters(n int) []Counter {
	const each = CacheLine / 8
	// The Go runtime aligns memory of such a size to it.
	return make([]Counter, n, max((n+each-1)/each, 1)*each)
}
