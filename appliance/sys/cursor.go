// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import "sync/atomic"

// Cursor is a number with one writer at a time that others follow, such as how
// far the consumer of a ring has come.
type Cursor struct{ v uint64 }

// Load returns the number, and sees what its writer did before it stored it.
func (c *Cursor) Load() uint64 { return atomic.LoadUint64(&c.v) }

// Store sets the number. Unlike an atomic store it does not wait until others
// can see it, so the writer must not conclude anything from what it reads next.
func (c *Cursor) Store(n uint64) { storeRelease(&c.v, n) }
