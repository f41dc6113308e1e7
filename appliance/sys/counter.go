// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sys

import "sync/atomic"

// Counter is a statistic with one writer (a worker, or whoever owns the
// object at the time) and any number of readers. An atomic read-modify-write
// costs about 20 cycles on every batch; a plain add costs one, and the Go
// memory model promises that aligned machine words are never torn. Builds
// with the race detector use the atomic form in counter_race.go.
type Counter struct{ v uint64 }

// Add adds n. Only the owner may call it.
func (c *Counter) Add(n uint64) { c.v += n }

// Set stores n. Only the owner may call it.
func (c *Counter) Set(n uint64) { c.v = n }

// Load returns the current value. Anybody may call it.
func (c *Counter) Load() uint64 { return atomic.LoadUint64(&c.v) }
