// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sequentialupdate_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/sequentialupdate"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", sequentialupdate.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, sequentialupdate.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", sequentialupdate.Class, two())
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, sequentialupdate.Class, two(), moduletest.Frame("U1"))
}

func arg(fields ...*sequentialupdate.SequentialUpdateArg_Field) *sequentialupdate.SequentialUpdateArg {
	return &sequentialupdate.SequentialUpdateArg{Fields: fields}
}

func two() *sequentialupdate.SequentialUpdateArg {
	return arg(&sequentialupdate.SequentialUpdateArg_Field{Offset: 26, Size: 4, Max: 0xffffffff}, &sequentialupdate.SequentialUpdateArg_Field{Offset: 34, Size: 2, Min: 1024, Max: 65535})
}

// BESS refused commands while workers ran. Numbers go on in order meanwhile.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", sequentialupdate.Class, arg(&sequentialupdate.SequentialUpdateArg_Field{Size: 4, Max: 0xffffffff}))
	h.Send("m", 0, make([]byte, 8))
	var done sync.WaitGroup
	done.Go(func() {
		for range 15 {
			if _, err := h.Command("m", "add", arg(&sequentialupdate.SequentialUpdateArg_Field{Offset: 4, Size: 1, Max: 7})); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("m", 0, make([]byte, 8))
	}
	done.Wait()
	for i, f := range h.Out("m", 0) {
		if got := binary.BigEndian.Uint32(f); got != uint32(i) {
			t.Fatalf("packet %d has number %d", i, got)
		}
	}
}
