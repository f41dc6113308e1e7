// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"math/bits"
	"sync"
	"time"
)

// calibration is how long the counter is compared with the clock. 20 ms give
// an error below 0.01 %.
const calibration = 20 * time.Millisecond

// CyclesPerSecond returns the frequency of Cycles in Hz, measured once per
// process against the monotonic clock.
var CyclesPerSecond = sync.OnceValue(func() uint64 {
	t0, c0 := time.Now(), Cycles()
	time.Sleep(calibration)
	dt, dc := time.Since(t0), Cycles()-c0
	return uint64(float64(dc) / dt.Seconds())
})

// Nanoseconds converts cycles to nanoseconds at hz cycles per second.
func Nanoseconds(cycles, hz uint64) uint64 {
	hi, lo := bits.Mul64(cycles, 1_000_000_000)
	if hi >= hz {
		return ^uint64(0)
	}
	q, _ := bits.Div64(hi, lo, hz)
	return q
}

// CyclesOf converts a duration to cycles at hz cycles per second; negative
// durations are 0.
func CyclesOf(d time.Duration, hz uint64) uint64 {
	if d <= 0 {
		return 0
	}
	return CyclesOfNS(uint64(d), hz)
}

// CyclesOfNS converts nanoseconds to cycles at hz cycles per second.
func CyclesOfNS(ns, hz uint64) uint64 {
	hi, lo := bits.Mul64(ns, hz)
	q, _ := bits.Div64(hi%1_000_000_000, lo, 1_000_000_000)
	return q
}
