// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import "testing"

// Fill gives the numbers that Uint32 gives, and goes on where it stopped.
func TestRandFill(t *testing.T) {
	var a, b Rand
	a.Seed(42)
	b.Seed(42)
	for n := range 67 {
		list := make([]uint32, n)
		a.Fill(list)
		for i, v := range list {
			if want := b.Uint32(); v != want {
				t.Fatalf("number %d of %d is %#x, want %#x", i, n, v, want)
			}
		}
	}
	if a != b {
		t.Errorf("state is %#x, want %#x", a, b)
	}
}
