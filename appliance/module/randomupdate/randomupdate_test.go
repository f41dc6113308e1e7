// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package randomupdate_test

import (
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/l4checksum"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/randomupdate"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", randomupdate.Class, l4checksum.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, randomupdate.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", randomupdate.Class, two())
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, randomupdate.Class, two(), moduletest.Frame("U1"))
}

func arg(fields ...*randomupdate.RandomUpdateArg_Field) *randomupdate.RandomUpdateArg {
	return &randomupdate.RandomUpdateArg{Fields: fields}
}

func two() *randomupdate.RandomUpdateArg {
	return arg(&randomupdate.RandomUpdateArg_Field{Offset: 26, Size: 4, Max: 0xffffffff}, &randomupdate.RandomUpdateArg_Field{Offset: 34, Size: 2, Min: 1024, Max: 65535})
}

// Every number of a range comes up, the ends included, and none outside; BESS
// never gave the largest of the full range.
func TestRange(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", randomupdate.Class, arg(&randomupdate.RandomUpdateArg_Field{Size: 1, Min: 250, Max: 255},
		&randomupdate.RandomUpdateArg_Field{Offset: 1, Size: 1, Max: 255}))
	var narrow, full [256]int
	for range 200 {
		batch := make([][]byte, 64)
		for i := range batch {
			batch[i] = []byte{0, 0}
		}
		h.Send("m", 0, batch...)
		for _, f := range h.Out("m", 0) {
			narrow[f[0]]++
			full[f[1]]++
		}
	}
	for v := range 256 {
		if (narrow[v] > 0) != (v >= 250) {
			t.Errorf("%d of 250..255 came up %d times", v, narrow[v])
		}
		if full[v] == 0 {
			t.Errorf("%d of 0..255 never came up", v)
		}
	}
}

// A field before the packet's start or across its end touches no other byte;
// BESS read and wrote four bytes at any place.
func TestNeighboursStay(t *testing.T) {
	for _, size := range []uint64{1, 2, 4} {
		for off := range int64(8) {
			h := moduletest.New(t)
			h.MustCreate("m", randomupdate.Class, arg(&randomupdate.RandomUpdateArg_Field{Offset: off, Size: size, Max: 0xffffffff}))
			h.Send("m", 0, make([]byte, 8))
			for i, v := range h.Out("m", 0)[0] {
				if v != 0 && (i < int(off) || i >= int(off)+int(size)) {
					t.Errorf("%d bytes at %d: byte %d changed", size, off, i)
				}
			}
		}
	}
}

// BESS refused commands while workers ran.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	pair := func(v uint64) *randomupdate.RandomUpdateArg {
		return arg(&randomupdate.RandomUpdateArg_Field{Size: 1, Min: v, Max: v}, &randomupdate.RandomUpdateArg_Field{Offset: 1, Size: 1, Min: v, Max: v})
	}
	h.MustCreate("m", randomupdate.Class, pair(1))
	h.Send("m", 0, []byte{9, 9})
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint64(500) {
			if err := h.Update("m", pair(i%7)); err != nil {
				t.Error(err)
			}
			if _, err := h.Command("m", "add", pair(i%7)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("m", 0, []byte{9, 9})
	}
	done.Wait()
	for _, f := range h.Out("m", 0) {
		if f[0] != f[1] {
			t.Fatalf("packet %x is of two lists", f)
		}
	}
}
