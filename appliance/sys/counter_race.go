// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package sys

import "sync/atomic"

// Counter is documented in counter.go.
type Counter struct{ v uint64 }

// Add adds n. Only the owner may call it.
func (c *Counter) Add(n uint64) { atomic.AddUint64(&c.v, n) }

// Set stores n. Only the owner may call it.
func (c *Counter) Set(n uint64) { atomic.StoreUint64(&c.v, n) }

// Load returns the current value. Anybody may call it.
func (c *Counter) Load() uint64 { return atomic.LoadUint64(&c.v) }
