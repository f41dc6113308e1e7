// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

const hz = 3_000_000_000

func arena(t testing.TB, n int) *Arena {
	t.Helper()
	a, err := NewArena(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func meter(t testing.TB, a *Arena, c Config, now uint64) uint32 {
	t.Helper()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	id, err := a.New(c, now, hz)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Cases M24, M25 and M31 of the catalogue.
func TestColoursOfABurst(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		n    uint64
		want [3]Colour
	}{
		{Config{1000, 1000, 100, 100}, 38, [3]Colour{Green, Green, Red}},
		{Config{1000, 2000, 50, 100}, 38, [3]Colour{Green, Yellow, Red}},
		{Config{1000, 1000, 100, 100}, 52, [3]Colour{Green, Red, Red}},
		{Config{1, 1, 1, 1}, 0, [3]Colour{Green, Green, Green}},
		{Config{1, 1, 1, 1}, 1, [3]Colour{Green, Red, Red}},
		{Config{1, 1, 1, 1}, 2, [3]Colour{Red, Red, Red}},
		{Config{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}, 1 << 31, [3]Colour{}},
	} {
		a := arena(t, 1)
		id := meter(t, a, c.cfg, 1000)
		for i, want := range c.want {
			if got := a.Mark(id, 1000, c.n); got != want {
				t.Errorf("%+v packet %d of %d bytes: colour %d, want %d", c.cfg, i, c.n, got, want)
			}
		}
	}
}

// model is RFC 2698 in rational numbers: tokens in units of 1/hz bytes.
type model struct {
	Config
	c, p, last uint64
}

func (m *model) mark(now, n uint64) Colour {
	m.c = min(m.CBS*hz, m.c+(now-m.last)*m.CIR)
	m.p = min(m.PBS*hz, m.p+(now-m.last)*m.PIR)
	m.last = now
	switch {
	case m.p < n*hz:
		return Red
	case m.c < n*hz:
		m.p -= n * hz
		return Yellow
	}
	m.c -= n * hz
	m.p -= n * hz
	return Green
}

// Long runs of random packets get the colours of RFC 2698; where the model is
// within one byte of the other colour, that counts too and ends the run.
func TestAgreesWithRFC2698(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cfg := Config{CIR: 1 + rng.Uint64N(1<<(1+rng.IntN(20))), CBS: 1 + rng.Uint64N(3000)}
		cfg.PIR, cfg.PBS = cfg.CIR+rng.Uint64N(1<<16), 1+rng.Uint64N(5000)
		a := arena(t, 1)
		now := rng.Uint64N(1 << 40)
		id := meter(t, a, cfg, now)
		m := model{cfg, cfg.CBS * hz, cfg.PBS * hz, now}
		for range 2000 {
			now += rng.Uint64N(1 << 30 / (1 + cfg.CIR/1000))
			n := rng.Uint64N(1500)
			before := m
			got, want := a.Mark(id, now, n), m.mark(now, n)
			if got == want {
				continue
			}
			low, high := before, before
			low.c, low.p = low.c-min(low.c, hz), low.p-min(low.p, hz)
			high.c, high.p = high.c+hz, high.p+hz
			if l, h := low.mark(now, n), high.mark(now, n); got != l && got != h {
				t.Fatalf("%+v: colour %d of %d bytes, want %d (or %d, %d)", cfg, got, n, want, l, h)
			}
			return // a byte apart from here on
		}
	}
}

// The rate over a long time is the configured one.
func TestRateIsKept(t *testing.T) {
	for _, rate := range []uint64{1, 7, 1000, 125_000, 12_500_000_000} {
		a := arena(t, 1)
		id := meter(t, a, Config{rate, rate, 100, 100}, 0)
		green := uint64(0)
		const seconds, steps = 100, 100_000
		for i := range uint64(steps) {
			for a.Mark(id, (i+1)*seconds*hz/steps, 1) == Green {
				if green++; green > 2_000_000 {
					break // the depth limits what a step can take
				}
			}
			if green > 2_000_000 {
				break
			}
		}
		if want := rate*seconds + 100; rate <= 1000 && (green > want || green < want-1) {
			t.Errorf("rate %d: %d bytes in %d s, want %d", rate, green, seconds, want)
		}
	}
}

// Rates come out right after years and at all clocks.
func TestSuppliedIsExact(t *testing.T) {
	for _, hz := range []uint64{1_000_000, 1_000_000_000, 2_894_561_000, 5_000_000_000} {
		for _, rate := range []uint64{1, 3, 1000, 12_500_000, 12_500_000_000, maxRate} {
			mult, shift := perCycle(rate, hz)
			for _, seconds := range []uint64{1, 60, 86400, 365 * 86400} {
				got, want := supplied(seconds*hz, mult, shift), seconds*rate
				if got > want || float64(want-got) > float64(want)*1e-15+1 {
					t.Errorf("%d bytes/s at %d Hz: %d in %d s, want %d", rate, hz, got, seconds, want)
				}
			}
		}
	}
}

// A worker may lag behind the one before, and a meter behind its batch.
func TestClocksThatLag(t *testing.T) {
	a := arena(t, 1)
	id := meter(t, a, Config{1_000_000, 1_000_000, 1000, 1000}, 5*hz)
	if a.Mark(id, 4*hz, 1000) != Green || a.Mark(id, 4*hz, 1) != Red {
		t.Error("a meter that is younger than the batch is not full")
	}
	if a.Mark(id, 6*hz, 1000) != Green {
		t.Error("not full after a second")
	}
	if a.Mark(id, 6*hz-1000, 1) != Red || a.Mark(id, 5*hz, 1) != Red || a.Mark(id, 6*hz, 1) != Red {
		t.Error("going back in time gave tokens")
	}
	if a.Mark(id, 7*hz, 1000) != Green {
		t.Error("not full after another second")
	}
}

func TestUnusedForYears(t *testing.T) {
	a := arena(t, 1)
	id := meter(t, a, Config{maxRate, maxRate, 1000, 1000}, 0)
	for _, days := range []uint64{1, 100, 380, 500, 700} {
		if c := a.Mark(id, days*86400*hz, 1000); c != Green {
			t.Errorf("after %d days: colour %d", days, c)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []Config{{0, 1, 1, 1}, {1, 0, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 0}, {2, 1, 1, 1}} {
		if err := c.Check(); errno.Code(err) != errno.EINVAL {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestArenaIsLimitedAndReused(t *testing.T) {
	a := arena(t, 2)
	c := Config{1, 1, 1, 1}
	meter(t, a, c, 0)
	id := meter(t, a, c, 0)
	if _, err := a.New(c, 0, hz); errno.Code(err) != errno.ENOSPC {
		t.Errorf("a third meter: %v", err)
	}
	a.Mark(id, 0, 1)
	a.Free(id)
	if again := meter(t, a, c, 0); again != id || a.Mark(again, 0, 1) != Green {
		t.Error("a meter that was used before is not full")
	}
}

// Tokens are given out once, whoever asks.
func TestSeveralWorkers(t *testing.T) {
	a := arena(t, 1)
	id := meter(t, a, Config{1, 2, 10_000, 30_000}, 0)
	var colours [4][3]int
	var wg sync.WaitGroup
	for w := range colours {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 10_000 {
				colours[w][a.Mark(id, 0, 1)]++
			}
		}()
	}
	wg.Wait()
	var sum [3]int
	for _, c := range colours {
		for i, n := range c {
			sum[i] += n
		}
	}
	if sum != [3]int{10_000, 20_000, 10_000} {
		t.Errorf("%v packets green, yellow, red", sum)
	}
}

func FuzzMark(f *testing.F) {
	f.Add(uint64(1), uint64(1), uint64(1), uint64(1), uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, cir, pir, cbs, now, later, n uint64) {
		c := Config{cir, pir, cbs, cbs}
		if c.Check() != nil {
			return
		}
		a := arena(t, 1)
		id := meter(t, a, c, now)
		n %= 1 << 31
		if n <= min(cbs, maxDepth) && a.Mark(id, now, n) != Green {
			t.Fatal("a full bucket is not green")
		}
		if a.Mark(id, later, n) > Red {
			t.Fatal("no colour")
		}
	})
}

func BenchmarkMark(b *testing.B) {
	a := arena(b, 1)
	id := meter(b, a, Config{1e9, 1e9, 1 << 20, 1 << 20}, 0)
	b.ReportAllocs()
	now := uint64(0)
	for b.Loop() {
		now += 100
		a.Mark(id, now, 60)
	}
}
