// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package lpm finds the longest IPv4 prefix that holds an address, in one or
// two loads (DIR-24-8, Gupta, Lin and McKeown, "Routing Lookups in Hardware at
// Memory Access Speeds", 1998). Many readers look up without locks while one
// writer changes single routes.
//
//	first[address >> 8], 2^24 entries      groups[n][address & 255]
//	| 10.0.0   -> hop 1, length 8  |
//	| 10.0.1   -> group 0          |-->    | .0 -> hop 1, length 8  |
//	| 10.0.2   -> hop 2, length 24 |       | .1 -> hop 7, length 32 |
//
//	entry, 32 bits:  | group? 1 | 0.. | length 6 | hop + 1, 16 |   or   | 1 | number of group, 31 |
//
// An entry is replaced atomically. A group that is no longer named is used
// again when no reader can be in it (package rcu). Memory is outside the Go
// heap and touched only where there are routes.
package lpm
