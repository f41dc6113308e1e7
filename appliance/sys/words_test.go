// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	const n = 100_000
	w, err := MapWords(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(w) != n || cap(w) != n || slices.Max(w) != 0 {
		t.Fatalf("%d words", len(w))
	}
	for i := range w {
		w[i] = uint64(i)
	}
	ZeroWords(w)
	if slices.Max(w) != 0 {
		t.Error("not all words are zero")
	}
	w[n-1] = 7 // still there
	UnmapWords(w)
	UnmapWords(nil)
	ZeroWords(nil)
	if _, err := MapWords(0); err == nil {
		t.Error("no words were mapped")
	}
}
