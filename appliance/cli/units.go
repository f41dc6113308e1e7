// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// overhead is what a frame occupies on a line beside its bytes: preamble,
// start, check sequence and the gap to the next one (spec: scheduler.md
// section 1).
const overhead = 24

// thousands writes a number with commas: 1,234,567.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// si writes a number with at most four digits and a suffix: 0, 12.5, 999,
// 1.234 k, 14.88 M.
func si(f float64) string {
	if f < 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return "?"
	}
	suffix := ""
	for _, next := range []string{"k", "M", "G", "T", "P"} {
		if f < 999.95 {
			break
		}
		f, suffix = f/1000, " "+next
	}
	digits := 1
	switch {
	case f < 10:
		digits = 3
	case f < 100:
		digits = 2
	}
	s := strconv.FormatFloat(f, 'f', digits, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + suffix
}

// withUnit writes a number with suffix and unit: "14.88 Mpps", "64 packets".
func withUnit(f float64, unit string) string {
	s := si(f)
	if strings.Contains(s, " ") {
		return s + unit
	}
	return s + " " + unit
}

// fixed writes a number with d decimals and commas: the form for columns in
// one unit.
func fixed(f float64, d int) string {
	if f < 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return "?"
	}
	s := strconv.FormatFloat(f, 'f', d, 64)
	whole, rest, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return s // more than 64 bits
	}
	if rest == "" {
		return thousands(n)
	}
	return thousands(n) + "." + rest
}

// clock writes the server's time of day of a reading.
func clock(timestamp float64) string {
	sec, frac := math.Modf(timestamp)
	return time.Unix(int64(sec), int64(frac*1e9)).Format("15:04:05")
}

// plural writes "1 rule", "3 rules".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(uint64(n)) + " " + noun + "s"
}
