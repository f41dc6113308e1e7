// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package counter_test

import (
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module/counter"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", counter.Class, setmetadata.Class)
}

// instance returns a Counter behind a module that takes the number from the
// first four bytes of the frame.
func instance(t testing.TB, total uint32) *moduletest.Harness {
	h := moduletest.New(t)
	h.MustCreate("meta", setmetadata.Class, &setmetadata.SetMetadataArg{Attrs: []*setmetadata.SetMetadataArg_Attribute{{Name: "ctr", Size: 4}}})
	h.MustCreate("m", counter.Class, &counter.CounterArg{NameId: "ctr", Total: total})
	h.Connect("meta", 0, "m", 0)
	return h
}

// frame is of 64 bytes for a counter.
func frame(id uint32) []byte {
	b := make([]byte, 64)
	binary.LittleEndian.PutUint32(b, id)
	return b
}

func read(t testing.TB, h *moduletest.Harness, arg *counter.ReadArg) *counter.ReadResponse {
	t.Helper()
	r, err := h.Command("m", "read", arg)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*counter.ReadResponse)
}

// Several workers count the same number while it is read and started over:
// nothing is lost. In BESS they overwrote each other's sums.
func TestNoCountIsLost(t *testing.T) {
	h := instance(t, 4)
	frames := [][]byte{frame(0), frame(1), frame(1), frame(3), frame(4)}
	var packets, bytes uint64
	add := func(clear bool) {
		for _, c := range read(t, h, &counter.ReadArg{CtrIds: []uint32{0, 1, 3}, Clear: clear}).Counters {
			packets, bytes = packets+c.Packets, bytes+c.Bytes
		}
	}
	sent := h.Storm("meta", 4, frames, func() {
		for range 50 {
			add(true)
			h.Desc("m")
			if _, err := h.Command("m", "remove", &counter.CounterRemoveArg{CtrId: 2}); err != nil {
				t.Error(err)
			}
		}
	})
	add(true)
	if want := sent / 5 * 4; packets != want || bytes != 64*want || h.Counter("m", "out_of_range") != sent/5 || sent == 0 {
		t.Errorf("%d packets and %d bytes of %d sent", packets, bytes, sent)
	}
}

// removeAll while packets are counted leaves counters that work.
func TestRemoveAllWhileRunning(t *testing.T) {
	h := instance(t, 100_000)
	h.Storm("meta", 2, [][]byte{frame(0), frame(99_999)}, func() {
		for range 20 {
			if _, err := h.Command("m", "removeAll", nil); err != nil {
				t.Error(err)
			}
			read(t, h, &counter.ReadArg{})
		}
	})
	if _, err := h.Command("m", "removeAll", nil); err != nil {
		t.Fatal(err)
	}
	h.Send("meta", 0, frame(99_999))
	if r := read(t, h, &counter.ReadArg{}); len(r.Counters) != 1 || r.Counters[0].Packets != 1 || r.Counters[0].Bytes != 64 {
		t.Errorf("%v", r)
	}
}

// What does not fit into one answer comes with the next.
func TestReadInParts(t *testing.T) {
	h := instance(t, 65536+100)
	var batch [][]byte
	for i := range uint32(65536 + 50) {
		if batch = append(batch, frame(i)); len(batch) == 64 || i == 65536+49 {
			h.Send("meta", 0, batch...)
			h.Out("m", 0)
			batch = nil
		}
	}
	r := read(t, h, &counter.ReadArg{})
	if len(r.Counters) != 65536 || r.Next != 65536 {
		t.Fatalf("%d counters, next %d", len(r.Counters), r.Next)
	}
	r = read(t, h, &counter.ReadArg{First: r.Next})
	if len(r.Counters) != 50 || r.Next != 0 || r.Counters[49].CtrId != 65536+49 {
		t.Errorf("%d more counters, next %d", len(r.Counters), r.Next)
	}
}

func TestTooManyAreRefused(t *testing.T) {
	h := instance(t, 1)
	_, err := h.Command("m", "read", &counter.ReadArg{CtrIds: make([]uint32, 65537)})
	if errno.Code(err) != errno.EINVAL {
		t.Error(err)
	}
}

func TestNoAllocs(t *testing.T) {
	h := instance(t, 10)
	h.NoAllocs("meta", frame(1), frame(11), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, counter.Class, func(seed []byte) proto.Message {
		return &counter.CounterArg{NameId: string(seed), Total: uint32(len(seed)) * 100}
	})
}

func FuzzCommands(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5}, uint32(7))
	f.Fuzz(func(t *testing.T, commands []byte, id uint32) {
		h := instance(t, 10)
		for _, c := range commands[:min(len(commands), 100)] {
			switch c % 5 {
			case 0:
				h.Send("meta", 0, frame(id), frame(uint32(c)))
			case 1:
				_, _ = h.Command("m", "add", &counter.CounterAddArg{CtrId: id})
			case 2:
				_, _ = h.Command("m", "remove", &counter.CounterRemoveArg{CtrId: id})
			case 3:
				_, _ = h.Command("m", "removeAll", nil)
			case 4:
				_, _ = h.Command("m", "read", &counter.ReadArg{First: id, Clear: c > 100})
				_, _ = h.Command("m", "read", &counter.ReadArg{CtrIds: []uint32{id, uint32(c)}})
			}
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, counter.Class, &counter.CounterArg{NameId: "ctr", Total: 10}, frame(0))
}
