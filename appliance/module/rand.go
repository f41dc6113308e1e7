// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

// Rand is the engine's random generator (spec: modules/README.md section
// 2.5): a 64-bit linear congruential generator, fast and not for secrets.
// Each worker has its own in its Context.
type Rand struct{ state uint64 }

// Seed sets the state.
func (r *Rand) Seed(s uint64) { r.state = s }

const (
	randMul = 1103515245
	randAdd = 12345
	// What one step, two, three and four do to the state.
	randMul2, randAdd2 = randMul * randMul & (1<<64 - 1), randMul*randAdd + randAdd
	randMul3, randAdd3 = randMul2 * randMul & (1<<64 - 1), (randMul2*randAdd + randAdd2) & (1<<64 - 1)
	randMul4, randAdd4 = randMul2 * randMul2 & (1<<64 - 1), (randMul2*randAdd2 + randAdd2) & (1<<64 - 1)
)

func (r *Rand) step() uint64 {
	r.state = r.state*randMul + randAdd
	return r.state
}

// Uint32 returns 32 random bits.
func (r *Rand) Uint32() uint32 { return uint32(r.step() >> 32) }

// Fill writes to each of out what Uint32 would return. It is faster, because
// four steps are computed side by side.
func (r *Rand) Fill(out []uint32) {
	s := r.state
	for len(out) >= 4 {
		out[0] = uint32((s*randMul + randAdd) >> 32)
		out[1] = uint32((s*randMul2 + randAdd2) >> 32)
		out[2] = uint32((s*randMul3 + randAdd3) >> 32)
		s = s*randMul4 + randAdd4
		out[3] = uint32(s >> 32)
		out = out[4:]
	}
	r.state = s
	for i := range out {
		out[i] = r.Uint32()
	}
}

// Range returns a number in [0, n).
func (r *Rand) Range(n uint32) uint32 { return uint32(r.Float64() * float64(n)) }

// Float64 returns a number in [0, 1).
func (r *Rand) Float64() float64 { return float64(r.step()>>12) / (1 << 52) }
