// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package meter measures rates with the two-rate three-colour marker of
// RFC 2698, colour-blind: a committed and a peak bucket of tokens, one per byte.
//
//	peak bucket too empty       red      nothing is taken
//	committed bucket too empty  yellow   taken from the peak bucket
//	else                        green    taken from both
//
// Any number of workers may use one meter at a time without locks: a bucket is
// one word, which is changed by compare-and-swap. It holds the number of bytes
// that were taken, on a scale on which the clock says how many were ever
// supplied:
//
//	0 ......... taken ............. supplied = depth + rate * time
//	                 \___ tokens __/  at most depth
//
// That is exact in bytes at all rates, and nothing runs when no packet comes.
// Since yellow takes nothing from the committed bucket and red nothing from
// either, looking at the peak bucket first needs no step that spans both.
package meter

import (
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Colour is the result for one packet.
type Colour int

// The colours.
const (
	Green Colour = iota
	Yellow
	Red
)

// Config are the rates of a meter in bytes per second and the depths of its
// buckets in bytes.
type Config struct {
	CIR, PIR, CBS, PBS uint64
}

// Rates and depths above these count as these: more than any device can do.
const (
	maxRate  = 1 << 38 // 275 GB/s
	maxDepth = 1 << 50
)

// Check verifies that no figure is 0 and that the peak rate is not below the
// committed one. Errors: EINVAL.
func (c Config) Check() error {
	for _, f := range []struct {
		name  string
		value uint64
	}{{"cir", c.CIR}, {"pir", c.PIR}, {"cbs", c.CBS}, {"pbs", c.PBS}} {
		if f.value == 0 {
			return errno.Errorf(errno.EINVAL, "%s: 0: must be at least 1 for a meter", f.name)
		}
	}
	if c.PIR < c.CIR {
		return errno.Errorf(errno.EINVAL, "pir: %d: must not be below cir (%d)", c.PIR, c.CIR)
	}
	return nil
}

// Words of a meter. One fills a cache line.
const (
	wordTaken = iota // from the committed bucket
	wordPeakTaken
	wordStart // cycles
	wordMult
	wordPeakMult
	wordShifts // that of mult, and that of the peak's from bit 8
	wordDepth
	wordPeakDepth
	words
)

// Arena is memory for meters outside the Go heap. New meters are made by one
// goroutine at a time; Mark may be called by anybody meanwhile.
type Arena struct {
	mem  []uint64
	free []uint32
	next uint32
}

// NewArena returns room for n meters. Error: ENOMEM.
func NewArena(n int) (*Arena, error) {
	mem, err := sys.MapWords(max(n, 1) * words)
	if err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "%d meters: %v", n, err)
	}
	return &Arena{mem: mem}, nil
}

// Close frees the memory.
func (a *Arena) Close() { sys.UnmapWords(a.mem) }

// New returns the number of a meter for a checked Config whose buckets are
// full at the time now; hz is the clock's rate. Both are cycles of sys.Cycles.
// Error: ENOSPC.
func (a *Arena) New(c Config, now, hz uint64) (uint32, error) {
	var id uint32
	switch n := len(a.free); {
	case n > 0:
		id = a.free[n-1]
		a.free = a.free[:n-1]
	case int(a.next) < len(a.mem)/words:
		id = a.next
		a.next++
	default:
		return 0, errno.Errorf(errno.ENOSPC, "all %d meters are in use", len(a.mem)/words)
	}
	m := a.meter(id)
	mult, shift := perCycle(c.CIR, hz)
	peak, peakShift := perCycle(c.PIR, hz)
	m[wordStart], m[wordShifts] = now, uint64(shift)|uint64(peakShift)<<8
	m[wordMult], m[wordPeakMult] = mult, peak
	m[wordDepth], m[wordPeakDepth] = min(c.CBS, maxDepth), min(c.PBS, maxDepth)
	m[wordTaken], m[wordPeakTaken] = 0, 0
	return id, nil
}

// Free makes the room of a meter available that nobody uses any more.
func (a *Arena) Free(id uint32) { a.free = append(a.free, id) }

func (a *Arena) meter(id uint32) *[words]uint64 {
	return (*[words]uint64)(a.mem[int(id)*words : (int(id)+1)*words])
}

// perCycle returns a rate as mult * 2^-shift bytes per cycle. mult has at least
// 62 significant bits, so that a year of cycles is right to a millisecond.
func perCycle(rate, hz uint64) (mult uint64, shift uint) {
	rate, hz = min(rate, maxRate), max(hz, 1)
	shift = uint(62 + bits.Len64(hz) - bits.Len64(rate))
	hi, lo := rate>>(64-min(shift, 64)), rate<<shift
	if shift >= 64 {
		hi = rate << (shift - 64)
	}
	mult, _ = bits.Div64(hi, lo, hz)
	return mult, shift
}

// supplied returns how many bytes a rate gives in a time.
func supplied(cycles, mult uint64, shift uint) uint64 {
	hi, lo := bits.Mul64(cycles, mult)
	if shift >= 64 {
		return hi >> (shift - 64)
	}
	return hi<<(64-shift) | lo>>shift
}

// Mark meters a packet of n bytes, at most 2^31, at the time now.
func (a *Arena) Mark(id uint32, now, n uint64) Colour {
	m := a.meter(id)
	var cycles uint64 // 0 before the meter was made: the time is that of the batch
	if start := m[wordStart]; now > start {
		cycles = now - start
	}
	shifts := m[wordShifts]
	if !take(&m[wordPeakTaken], supplied(cycles, m[wordPeakMult], uint(shifts>>8)), m[wordPeakDepth], n) {
		return Red
	}
	if !take(&m[wordTaken], supplied(cycles, m[wordMult], uint(shifts&0xff)), m[wordDepth], n) {
		return Yellow
	}
	return Green
}

// late is how far another worker's clock may be ahead, in bytes: what seems to
// be a deficit beyond that is a bucket that nobody used for years.
const late = 1 << 50

// take takes n tokens from a bucket if it has them.
func take(taken *uint64, supplied, depth, n uint64) bool {
	supplied += depth
	for {
		old := atomic.LoadUint64(taken)
		tokens, level := supplied-old, old
		switch {
		case -tokens < late && tokens != 0:
			tokens = 0
		case tokens > depth:
			tokens, level = depth, supplied-depth
		}
		if tokens < n {
			return false
		}
		if atomic.CompareAndSwapUint64(taken, old, level+n) {
			return true
		}
	}
}
