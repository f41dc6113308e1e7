// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package exact is a hash table from keys to values, both of a fixed number
// of 64-bit words, that many readers look up without locks while one writer
// changes it.
//
//	slots (power of two)                     cells
//	| hash, 32 bits | number of cell + 2 |-->| key words | value words |
//	| 0: empty, 1: deleted               |   written once, then only read
//
// A slot is one word, replaced atomically, so a reader meets the old rule or
// the new one, never half of either. A cell that left the table is used again
// only when no reader can look at it (package rcu). When the cells run out,
// slots and cells are copied into memory twice as large: n rules, added one by
// one, cost O(n).
//
// Memory is outside the Go heap and grows with the number of rules up to the
// limit given to New. Lookups cost one cache line for a miss, two for a hit: a
// key is looked for around the line of eight slots that its hash chooses.
package exact
