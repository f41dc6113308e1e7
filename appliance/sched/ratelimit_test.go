// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func TestRateLimitParameters(t *testing.T) {
	if _, err := NewRateLimit("x", Packet, 0, 5); errno.Code(err) != errno.EINVAL {
		t.Errorf("limit 0: %v", err)
	} else if got := err.Error(); got != "tc x: limit: packet: 0: must be at least 1" {
		t.Errorf("text %q", got)
	}
	if _, err := NewRateLimit("x", resources, 1, 0); errno.Code(err) != errno.EINVAL {
		t.Errorf("unknown resource: %v", err)
	}
	r := limit("x", Packet, 3, 4)
	for range 2 { // the second time after refused changes
		if r.Resource() != Packet || r.Limit() != 3 || r.MaxBurst() != 4 {
			t.Fatalf("parameters %v %d %d", r.Resource(), r.Limit(), r.MaxBurst())
		}
		if r.UpdateParams(Bit, 0, 1) == nil || r.UpdateParams(200, 1, 1) == nil {
			t.Fatal("bad parameters were accepted")
		}
	}
}

// All four resources at the limit, at an awkward frequency: over any time, the
// use differs from limit times time by no more than one run.
func TestRateLimitIsExact(t *testing.T) {
	const hz = 2_893_202_117
	res := Result{Packets: 31, Bits: 31 * 84 * 8}
	tests := []struct {
		res    Resource
		limit  uint64
		perRun uint64
	}{
		{Count, 1, 1}, {Count, 1000, 1}, {Count, 999_983, 1},
		{Cycle, hz / 7, 1777},
		{Packet, 14_880_952, 31}, {Packet, 7, 31}, {Packet, 20_000_003, 31},
		{Bit, 10_000_000_000, res.Bits}, {Bit, 1, res.Bits},
	}
	for _, tt := range tests {
		m := newSim(Options{Hz: hz})
		m.cost = 1777
		rl := limit("rl", tt.res, tt.limit, 0)
		attach(rl, NewLeaf("l", &steady{res}), None)
		plant(m.Scheduler, rl)
		start := m.now
		for range 100_000 {
			if !m.step() {
				at, _ := m.NextWake()
				m.now = at + 1
			}
		}
		// The run that ended last is not paid for yet.
		m.now, _ = m.NextWake()
		st := rl.Stats()
		used := map[Resource]uint64{Count: st.Count, Cycle: st.Cycles, Packet: st.Packets, Bit: st.Bits}[tt.res]
		want := new(big.Float).SetUint64(m.now - start)
		want.Mul(want, new(big.Float).SetUint64(tt.limit))
		want.Quo(want, new(big.Float).SetUint64(hz))
		w, _ := want.Float64()
		if math.Abs(float64(used)-w) > float64(tt.perRun) || st.Count < 40_000 {
			t.Errorf("%v limited to %d: used %d in %d runs, want %.1f", tt.res, tt.limit, used, st.Count, w)
		}
	}
}

// The planned times, cycle by cycle: hz 1000, 100 packets per second, so a
// packet is worth 10 cycles.
func TestRateLimitTimes(t *testing.T) {
	m := newSim(Options{})
	rl := limit("rl", Packet, 100, 0)
	attach(rl, NewLeaf("l", plays(Result{Packets: 2}, nothing, Result{Packets: 7}, Result{Packets: 1})), None)
	plant(m.Scheduler, rl) // at 1
	wake := func(want uint64) {
		t.Helper()
		if at, ok := m.NextWake(); !ok || at != want {
			t.Fatalf("wakes at %d, %v; want %d", at, ok, want)
		}
		if !rl.Blocked() || !m.Root().Blocked() {
			t.Fatal("throttled and not blocked")
		}
		m.now = want
		m.wantOrder(t, "-") // strictly later
		m.now++
	}
	m.wantOrder(t, "l") // 1..2: 1 cycle earned, 20 used
	wake(2 + 19)
	m.wantOrder(t, "l") // 22..23: idle, two cycles earned and thrown away
	m.now += 50
	m.wantOrder(t, "l") // 73..74: 51 earned, 70 used
	wake(74 + 19)
	m.now += 3
	m.wantOrder(t, "l") // 97..98: woken as of 93, 5 earned, 10 used
	wake(98 + 5)
	if rl.Throttled() != 3 {
		t.Errorf("throttled %d times, want 3", rl.Throttled())
	}
}

func TestMaxBurst(t *testing.T) {
	// 100 packets per second in 1000 cycles; every other run takes 40 packets,
	// each lasts 100 cycles, which bring 10 packets.
	for _, tt := range []struct {
		burst uint64
		want  float64
	}{{0, 80}, {5, 40 / 0.450}, {10, 100}, {1000, 100}} {
		m := newSim(Options{})
		m.cost = 100
		rl := limit("rl", Packet, 100, tt.burst)
		toggle := 0
		task := taskFunc(func() Result {
			toggle++
			if toggle%2 == 1 {
				return nothing
			}
			return Result{Packets: 40}
		})
		attach(rl, NewLeaf("l", task), None)
		plant(m.Scheduler, rl)
		m.runFor(1_000_000)
		near(t, "packets per second", float64(rl.Stats().Packets)/1000, tt.want, 0.01)
	}
}

type taskFunc func() Result

func (f taskFunc) Run(uint64) Result { return f() }

// After a pause, a burst is at most what was saved, and the run that is always
// allowed.
func TestBurstAfterQuietTime(t *testing.T) {
	m := newSim(Options{})
	rl := limit("rl", Packet, 100, 50)
	attach(rl, NewLeaf("l", plays(nothing, Result{Packets: 10})), None)
	plant(m.Scheduler, rl)
	m.now += 100_000 // the first run earns far more than 50
	m.wantOrder(t, "l l l l l l l -")
	if got := rl.Stats().Packets; got != 50+10 {
		t.Errorf("%d packets at once, want 60", got)
	}
}

// Nested limits: the tighter one decides, whichever is outside.
func TestNestedRateLimits(t *testing.T) {
	for _, tt := range []struct{ outer, inner, want uint64 }{
		{1_000_000, 300_000, 300_000}, {300_000, 1_000_000, 300_000},
	} {
		m := newSim(Options{Hz: 2e9})
		m.cost = 500
		out, in := limit("out", Packet, tt.outer, 1000), limit("in", Packet, tt.inner, 1000)
		attach(out, in, None)
		attach(in, NewLeaf("l", &steady{Result{Packets: 32}}), None)
		plant(m.Scheduler, out)
		m.runFor(4e9)
		near(t, "packets per second", float64(out.Stats().Packets)/2, float64(tt.want), 0.001)
	}
}

// Two limited classes below a limited one: with a burst the outer limit is
// used up although the inner ones are blocked now and then.
func TestOuterLimitOverTwoInner(t *testing.T) {
	m := newSim(Options{Hz: 2e9})
	m.cost = 500
	out, rr := limit("out", Packet, 500_000, 10_000), NewRoundRobin("rr")
	attach(out, rr, None)
	for _, name := range []string{"a", "b"} {
		in := limit("in_"+name, Packet, 400_000, 10_000)
		attach(in, NewLeaf(name, &steady{Result{Packets: 32}}), None)
		attach(rr, in, None)
	}
	plant(m.Scheduler, out)
	m.runFor(4e9)
	near(t, "packets per second", float64(out.Stats().Packets)/2, 500_000, 0.001)
	near(t, "runs of a", float64(m.runs["a"]), float64(m.runs["b"]), 0.01)
}

func TestRateLimitUpdateKeepsTokensAndWakeUp(t *testing.T) {
	m := newSim(Options{})
	rl := limit("rl", Packet, 100, 50)
	attach(rl, NewLeaf("l", plays(nothing, Result{Packets: 60})), None)
	plant(m.Scheduler, rl)
	m.now += 500
	m.wantOrder(t, "l")
	if rl.tokens != mul(50, 1000) {
		t.Fatalf("tokens %v, want 50 packets", rl.tokens)
	}
	if err := rl.UpdateParams(Packet, 10, 20); err != nil {
		t.Fatal(err)
	}
	if rl.tokens != mul(50, 1000) {
		t.Errorf("the update changed the tokens to %v", rl.tokens)
	}
	m.wantOrder(t, "l") // 60 used, 50.01 there: 999 cycles at the new rate
	at, _ := m.NextWake()
	if want := m.now + 999; at != want {
		t.Errorf("wakes at %d, want %d", at, want)
	}
	if err := rl.UpdateParams(Packet, 1_000_000, 0); err != nil {
		t.Fatal(err)
	}
	if again, _ := m.NextWake(); again != at || !rl.Blocked() {
		t.Errorf("the update moved the wake-up from %d to %d", at, again)
	}
	m.now = at + 1
	m.wantOrder(t, "l")
}

// Removing and adding the child of a throttled class does not end the wait.
func TestThrottledClassStaysBlockedAcrossChildren(t *testing.T) {
	m := newSim(Options{})
	rl, l := limit("rl", Packet, 100, 0), NewLeaf("l", &steady{Result{Packets: 10}})
	attach(rl, l, None)
	plant(m.Scheduler, rl)
	m.wantOrder(t, "l -")
	Detach(l)
	attach(rl, l, None)
	if !rl.Blocked() {
		t.Fatal("not blocked any more")
	}
	Detach(l)
	at, _ := m.NextWake()
	m.now = at + 1
	m.wantOrder(t, "-") // awake, but without child
	if _, ok := m.NextWake(); ok || !rl.Blocked() {
		t.Error("without child it must be blocked and not wake again")
	}
	attach(rl, l, None)
	m.wantOrder(t, "l -")
}

// A throttled class that moves to another worker takes its wake-up along.
func TestThrottledClassMoves(t *testing.T) {
	a, b := newSim(Options{}), newSim(Options{})
	rl := limit("rl", Packet, 100, 0)
	attach(rl, NewLeaf("l", &steady{Result{Packets: 10}}), None)
	plant(a.Scheduler, rl)
	a.wantOrder(t, "l")
	at, _ := a.NextWake()
	Detach(rl)
	if _, ok := a.NextWake(); ok {
		t.Error("the old scheduler still has a wake-up")
	}
	plant(b.Scheduler, rl)
	if got, ok := b.NextWake(); !ok || got != at {
		t.Errorf("wakes at %d, %v; want %d", got, ok, at)
	}
	b.now = at + 1
	b.wantOrder(t, "l")
}

// Extreme values must neither panic nor wrap around.
func TestRateLimitExtremes(t *testing.T) {
	const most = ^uint64(0)
	for _, tt := range []struct{ limit, burst, hz, packets uint64 }{
		{1, 0, most, most}, {most, most, most, most}, {most, most, 1, 1}, {1, most, 1, most}, {1, 0, 1, 0},
	} {
		m := newSim(Options{Hz: tt.hz})
		rl := limit("rl", Packet, tt.limit, tt.burst)
		attach(rl, NewLeaf("l", &steady{Result{Packets: tt.packets}}), None)
		plant(m.Scheduler, rl)
		for range 4 {
			if !m.step() {
				at, ok := m.NextWake()
				if !ok || at < m.now {
					t.Fatalf("%+v: wakes at %d, %v; now %d", tt, at, ok, m.now)
				}
				if at == most {
					break // never
				}
				m.now = at + 1
			}
		}
		if rl.Stats().Count == 0 {
			t.Errorf("%+v: never ran", tt)
		}
	}
}

func Test128BitArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	limits := []uint64{0, 1, 2, math.MaxUint32, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	pick := func() uint64 {
		if r.IntN(2) == 0 {
			return limits[r.IntN(len(limits))]
		}
		return r.Uint64() >> r.IntN(64)
	}
	toBig := func(a u128) *big.Int {
		b := new(big.Int).SetUint64(a.hi)
		return b.Lsh(b, 64).Add(b, new(big.Int).SetUint64(a.lo))
	}
	top := toBig(u128{math.MaxUint64, math.MaxUint64})
	for range 20000 {
		x, y := pick(), pick()
		a, b := u128{pick(), pick()}, u128{pick(), pick()}
		want := new(big.Int).Mul(new(big.Int).SetUint64(x), new(big.Int).SetUint64(y))
		if toBig(mul(x, y)).Cmp(want) != 0 {
			t.Fatalf("%d * %d = %v", x, y, mul(x, y))
		}
		sum := new(big.Int).Add(toBig(a), toBig(b))
		if sum.Cmp(top) > 0 {
			sum = top
		}
		if toBig(a.plus(b)).Cmp(sum) != 0 {
			t.Fatalf("%v + %v = %v", a, b, a.plus(b))
		}
		if a.less(b) != (toBig(a).Cmp(toBig(b)) < 0) {
			t.Fatalf("%v < %v is %v", a, b, a.less(b))
		}
		if !a.less(b) && toBig(a.minus(b)).Cmp(new(big.Int).Sub(toBig(a), toBig(b))) != 0 {
			t.Fatalf("%v - %v = %v", a, b, a.minus(b))
		}
	}
}
