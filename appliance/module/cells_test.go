// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"reflect"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func TestWhatWorkersWriteFillsWholeLines(t *testing.T) {
	for _, v := range []any{Context{}, In{}, Out{}, Cells{}, TrackCell{}} {
		size := reflect.TypeOf(v).Size()
		if size%sys.CacheLine != 0 {
			t.Errorf("%T has %d bytes: two of them share a line", v, size)
		}
	}
}

func TestCellsHaveLinesOfTheirOwn(t *testing.T) {
	lines := make(map[uintptr]bool)
	for range 100 {
		cells, track := NewCells(2), &TrackCell{}
		for _, p := range []any{&cells.Panics, &cells.Own[1], &track.Packets} {
			line := reflect.ValueOf(p).Pointer() / sys.CacheLine
			if lines[line] {
				t.Fatal("the counters of two workers share a line")
			}
			lines[line] = true
		}
	}
}
