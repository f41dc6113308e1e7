// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// RateLimit holds its only child below a rate with a token bucket. A run is
// always allowed once the class is unblocked; what it used beyond the saved
// tokens is paid for by being blocked until the tokens would have come in.
//
// Amounts are counted in units of the resource times the cycles of a second,
// in 128 bits. One cycle then brings exactly limit tokens and nothing is ever
// rounded away: the long-run rate of a busy child is the limit itself.
type RateLimit struct {
	node
	child *node // nil if none

	res    Resource
	limit  uint64 // units per second = tokens per cycle
	burst  uint64 // units
	hz     uint64 // cycles per second
	tokens u128
	most   u128   // burst in tokens
	last   uint64 // when tokens was right

	throttled sys.Counter
}

// NewRateLimit returns an orphan without child. limit is in units of the
// resource per second, at least 1; maxBurst is how many unused units may be
// saved. EINVAL for an unknown resource or limit 0, which would block for ever.
func NewRateLimit(name string, res Resource, limit, maxBurst uint64) (*RateLimit, error) {
	r := &RateLimit{}
	r.setup(name, PolicyRateLimit, r, r)
	if err := r.UpdateParams(res, limit, maxBurst); err != nil {
		return nil, err
	}
	return r, nil
}

// Resource returns the limited resource.
func (r *RateLimit) Resource() Resource { return r.res }

// Limit returns the rate in units of the resource per second.
func (r *RateLimit) Limit() uint64 { return r.limit }

// MaxBurst returns how many unused units may be saved.
func (r *RateLimit) MaxBurst() uint64 { return r.burst }

// Throttled returns how many times the class had to wait. Anybody may call.
func (r *RateLimit) Throttled() uint64 { return r.throttled.Load() }

// UpdateParams changes the parameters from the next accounting on. Tokens and
// a wake-up already planned stay. Errors as of NewRateLimit.
func (r *RateLimit) UpdateParams(res Resource, limit, maxBurst uint64) error {
	if err := checkResource(r.name, res); err != nil {
		return err
	}
	if limit == 0 {
		return errno.Errorf(errno.EINVAL, "tc %s: limit: %s: 0: must be at least 1", r.name, res)
	}
	r.res, r.limit, r.burst = res, limit, maxBurst
	r.most = mul(maxBurst, r.hz)
	return nil
}

// tick tells the class the frequency and the time of the tree it joined.
func (r *RateLimit) tick(hz, now uint64) {
	if r.hz != hz {
		r.hz, r.tokens = hz, u128{}
	}
	r.most = mul(r.burst, hz)
	r.last = now
}

func (r *RateLimit) accept(c *node, _ Arg) error {
	if r.child != nil && r.child != c {
		return refusal(&r.node, c, "it has its only child, "+r.child.name)
	}
	return nil
}

func (r *RateLimit) link(c *node, _ Arg, ref uint64) {
	r.kids, r.child = append(r.kids, c), c
	if !c.blocked.Load() {
		r.last = ref
	}
}

func (r *RateLimit) unlink(*node) { r.kids, r.child = nil, nil }

// ready is called when the child becomes runnable, and when the tokens waited
// for have come in; no tokens are earned before that time.
func (r *RateLimit) ready(_ *node, ref uint64) { r.last = ref }

func (r *RateLimit) stall(*node) {}

func (r *RateLimit) runnable() bool {
	return r.wake.at == 0 && r.child != nil && !r.child.blocked.Load()
}

func (r *RateLimit) pick() *node { return r.child }

func (r *RateLimit) account(c *node, u *usage, now uint64) bool {
	have := r.tokens
	if now > r.last {
		have = have.plus(mul(r.limit, now-r.last))
		r.last = now
	}
	cost := mul(u.of[r.res%resources], r.hz)
	if have.less(cost) {
		r.throttle(cost.minus(have), now)
		return false
	}
	r.tokens = have.minus(cost)
	if r.most.less(r.tokens) {
		r.tokens = r.most
	}
	return !c.blocked.Load()
}

// throttle plans the wake-up for when the missing tokens have come in. The
// last cycle may bring more than is missing, which is kept.
func (r *RateLimit) throttle(missing u128, now uint64) {
	r.throttled.Add(1)
	wait, rest := ^uint64(0), uint64(0)
	if missing.hi < r.limit {
		wait, rest = bits.Div64(missing.hi, missing.lo, r.limit)
	}
	r.tokens = u128{}
	if rest > 0 {
		wait++
		r.tokens.lo = r.limit - rest
	}
	r.sched.sleep(&r.node, wait, now)
}

// u128 is an unsigned number of 128 bits.
type u128 struct{ hi, lo uint64 }

func mul(a, b uint64) u128 {
	hi, lo := bits.Mul64(a, b)
	return u128{hi, lo}
}

// plus returns a+b, or the largest number if that does not fit.
func (a u128) plus(b u128) u128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	if carry != 0 {
		return u128{^uint64(0), ^uint64(0)}
	}
	return u128{hi, lo}
}

// minus returns a-b, which must not be negative.
func (a u128) minus(b u128) u128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return u128{hi, lo}
}

func (a u128) less(b u128) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
}
