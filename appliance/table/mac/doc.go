// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package mac is a hash table from 48-bit Ethernet addresses to small numbers
// that many readers look up without locks while one writer changes it.
//
//	slot, 64 bits:  | address, 48 bits | number + 1, 16 bits |
//
// A slot is the whole rule, so a lookup is mostly one cache line, and a reader
// meets the old rule or the new one, never half of either. 0 is an empty slot,
// low bits of 0xffff a deleted one. When slots run out, all are copied into
// memory twice as large, outside the Go heap, and the old is freed when no
// reader can look at it (package rcu).
package mac
