// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

// Rand is the engine's random generator (spec: modules/README.md section
// 2.5): a 64-bit linear congruential generator, fast and not for secrets.
// Each worker has its own in its Context.
type Rand struct{ state uint64 }

// Seed sets the state.
func (r *Rand) Seed(s uint64) { r.state = s }

func (r *Rand) step() uint64 {
	r.state = r.state*1103515245 + 12345
	return r.state
}

// Uint32 returns 32 random bits.
func (r *Rand) Uint32() uint32 { return uint32(r.step() >> 32) }

// Range returns a number in [0, n).
func (r *Rand) Range(n uint32) uint32 { return uint32(r.Float64() * float64(n)) }

// Float64 returns a number in [0, 1).
func (r *Rand) Float64() float64 { return float64(r.step()>>12) / (1 << 52) }
