// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package field reads and writes the pieces of packets that message
// bess.pb.Field names: places in the frame and metadata attributes. Classes
// that look packets up in a table share it.
//
//	fields   {offset 26, 4} {offset 30, 4} {attr_name "vid", 2}
//	key      |26 27 28 29 30 31 32 33|vid vid 0 0 0 0 0 0|   two words
//
// A key is the fields one behind the other, as they stand in the packet,
// padded with zeros to whole 64-bit words; the first byte of a word is its
// lowest. Which byte order the numbers of a rule get is up to the class (spec:
// modules/README.md section 2.4).
package field
