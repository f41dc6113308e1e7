// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package wildcard finds the rule of highest priority among rules that compare
// some bits of a key. Many readers look up without locks while one writer
// changes single rules.
//
// Rules with the same mask are in one hash table (package exact). A lookup asks
// the tables in the order of the highest priority in each and stops when no
// table left can beat what was found (tuple space search with priority
// cut-off). In front of them every reader may have a Memo of the keys it saw
// last, so that known flows cost one comparison whatever the number of masks.
package wildcard
