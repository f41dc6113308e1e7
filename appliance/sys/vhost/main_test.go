// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// place of work: a pool and a worker's cache.
type bench struct {
	t    testing.TB
	pool *packet.Pool
	c    *packet.Cache
	b    packet.Batch
}

const poolSize = 4096

func newBench(t testing.TB) *bench {
	t.Helper()
	testenv.NoLeaks(t)
	return newPlace(t)
}

// newPlace is newBench for what cannot tell leaks, such as fuzzing.
func newPlace(t testing.TB) *bench {
	t.Helper()
	pool, err := packet.NewPool(poolSize)
	if err != nil {
		t.Fatal(err)
	}
	w := &bench{t: t, pool: pool, c: pool.NewCache()}
	t.Cleanup(func() {
		w.c.Flush()
		if n := pool.Available(); n != poolSize {
			t.Errorf("%d of %d buffers are free in the end", n, poolSize)
		}
		pool.Close()
	})
	return w
}

// pair opens both sides of a connection and waits until they are joined.
func (w *bench) pair(queues, size int, frontListens bool) (*Back, *Front) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "s")
	o := Options{Path: path, Queues: queues, Size: size}
	o.Client = frontListens
	b, err := OpenBack(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.Close)
	o.Client = !frontListens
	f, err := OpenFront(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(f.Close)
	w.joined(b, f, queues)
	return b, f
}

func (w *bench) joined(b *Back, f *Front, queues int) {
	w.t.Helper()
	testenv.Eventually(w.t, "all rings are live", func() bool {
		for i := range f.rings {
			if f.rings[i].gate.what.Load() == nil {
				return false
			}
		}
		return b.pairs() == queues
	})
}

// send sends frames as one batch and returns how many went; the others are
// freed.
func (w *bench) send(e End, q int, frames ...[]byte) int {
	w.t.Helper()
	w.b.Clear()
	for _, f := range frames {
		p := w.c.New(f)
		if p == 0 {
			w.t.Fatal("no buffer")
		}
		w.b.Add(p)
	}
	n := e.Send(q, w.c, w.b.Packets())
	w.c.FreeAll(w.b.Packets()[n:])
	w.b.Clear()
	return n
}

// recv polls once.
func (w *bench) recv(e End, q int) [][]byte {
	w.b.Clear()
	n := e.Recv(q, w.c, &w.b, packet.BatchSize)
	if n != w.b.Len() {
		w.t.Fatalf("%d packets announced, %d came", n, w.b.Len())
	}
	var out [][]byte
	for _, p := range w.b.Packets() {
		data := make([]byte, p.TotalLen())
		p.CopyOut(data)
		out = append(out, data)
	}
	w.c.FreeBatch(&w.b)
	return out
}

// expect polls until all frames have come, and fails for any other.
func (w *bench) expect(e End, q int, frames ...[]byte) {
	w.t.Helper()
	var got [][]byte
	testenv.Eventually(w.t, "frames arrive", func() bool {
		got = append(got, w.recv(e, q)...)
		return len(got) >= len(frames)
	})
	if len(got) != len(frames) {
		w.t.Fatalf("%d frames, want %d", len(got), len(frames))
	}
	for i := range frames {
		if !bytes.Equal(got[i], frames[i]) {
			w.t.Fatalf("frame %d: %d bytes %.40x, want %d bytes %.40x", i, len(got[i]), got[i], len(frames[i]), frames[i])
		}
	}
}

// pattern returns n bytes that differ from those of another seed.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	return b
}
