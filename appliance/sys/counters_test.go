// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"reflect"
	"testing"
)

// Two workers that count on one line wait for each other with every batch.
func TestCountersHaveLinesOfTheirOwn(t *testing.T) {
	owner := make(map[uintptr]int)
	var keep [][]Counter
	for n := range 300 {
		c := NewCounters(n % 40)
		if len(c) != n%40 {
			t.Fatalf("%d counters, want %d", len(c), n%40)
		}
		keep = append(keep, c)
		for i := range c {
			line := reflect.ValueOf(&c[i]).Pointer() / CacheLine
			if who, ok := owner[line]; ok && who != n {
				t.Fatalf("counters %d and %d share a line", who, n)
			}
			owner[line] = n
		}
	}
	if len(keep) != 300 {
		t.Error("counters are gone")
	}
}
