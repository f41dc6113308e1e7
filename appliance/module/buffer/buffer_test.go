// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package buffer_test

import (
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/buffer"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", buffer.Class) }

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, buffer.Class, func(seed []byte) proto.Message {
		return &buffer.BufferArg{FlushTimeoutNs: uint64(len(seed) % 2)}
	})
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", buffer.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
	h.MustCreate("timed", buffer.Class, &buffer.BufferArg{FlushTimeoutNs: 1})
	h.NoAllocs("timed", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) { moduletest.Bench(b, buffer.Class, nil, moduletest.Frame("U1")) }

func BenchmarkTimed(b *testing.B) {
	moduletest.Bench(b, buffer.Class, &buffer.BufferArg{FlushTimeoutNs: 1e6}, moduletest.Frame("U1"))
}

// Whatever the sizes of the batches, everything leaves in order and in full
// batches, and what is left is freed with the module (the harness looks).
func TestEverySizeOfBatch(t *testing.T) {
	for name, arg := range map[string]*buffer.BufferArg{"plain": nil, "timed": {FlushTimeoutNs: 60e9}} {
		t.Run(name, func(t *testing.T) { everySizeOfBatch(t, arg) })
	}
}

func everySizeOfBatch(t *testing.T, arg *buffer.BufferArg) {
	h := moduletest.New(t)
	h.MustCreate("m", buffer.Class, arg)
	sent, got := uint32(0), uint32(0)
	for i := range 1000 {
		var batch [][]byte
		for range 1 + i*13%64 {
			batch = append(batch, binary.BigEndian.AppendUint32(nil, sent))
			sent++
		}
		h.Send("m", 0, batch...)
		out := h.Out("m", 0)
		if len(out)%64 != 0 {
			t.Fatalf("a batch of %d", len(out))
		}
		for _, f := range out {
			if n := binary.BigEndian.Uint32(f); n != got {
				t.Fatalf("packet %d instead of %d", n, got)
			}
			got++
		}
	}
	if sent-got >= 64 {
		t.Errorf("%d packets wait", sent-got)
	}
	h.Destroy("m")
	if n := h.Free(); n < 8192-64 {
		t.Errorf("%d packets are free of 8192 after the module went", n)
	}
}

// What is behind a Buffer holds back what is in front of it and, with a
// timeout, the Buffer's own task, too.
func TestBackpressureGoesThrough(t *testing.T) {
	for name, arg := range map[string]*buffer.BufferArg{"plain": nil, "timed": {FlushTimeoutNs: 1}} {
		t.Run(name, func(t *testing.T) {
			h := moduletest.New(t)
			h.MustCreate("src", source.Class, nil)
			h.MustCreate("m", buffer.Class, arg)
			h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
			h.Connect("src", 0, "m", 0)
			h.Connect("m", 0, "q", 0)
			h.Send("m", 0, []byte{1})
			if res := h.RunTask("src", 0); res.Packets == 0 {
				t.Fatalf("an empty queue holds back: %+v", res)
			}
			if res := h.RunTask("src", 0); !res.Blocked {
				t.Errorf("a full queue does not hold back: %+v", res)
			}
			if arg == nil {
				return
			}
			if res := h.RunTask("m", 0); !res.Blocked || res.Retry == 0 {
				t.Errorf("a full queue does not hold back the buffer: %+v", res)
			}
		})
	}
}
