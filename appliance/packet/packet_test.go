// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"
)

func newPool(t testing.TB, n int) *Pool {
	t.Helper()
	p, err := NewPool(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestHeaderIsOneCacheLine(t *testing.T) {
	if n := unsafe.Sizeof(header{}); n != headerSize {
		t.Fatalf("header is %d bytes, want %d", n, headerSize)
	}
}

func TestNewPoolRefusesBadCapacity(t *testing.T) {
	for _, n := range []int{-1, 0, 3, 1000, 1 << 30} {
		if p, err := NewPool(n); err == nil {
			p.Close()
			t.Errorf("NewPool(%d) succeeded", n)
		}
	}
}

func TestPacketEditing(t *testing.T) {
	c := newPool(t, 64).NewCache()
	p := c.Alloc()
	p.Set([]byte("hello"))
	if p.HeadroomLen() != Headroom || p.TailroomLen() != BufferSize-Headroom-5 {
		t.Fatalf("headroom %d tailroom %d", p.HeadroomLen(), p.TailroomLen())
	}
	if !p.Prepend(3) || p.Len() != 8 || p.TotalLen() != 8 {
		t.Fatalf("after Prepend: %d bytes", p.Len())
	}
	copy(p.Bytes(), "abc")
	if !p.Adjust(2) || string(p.Bytes()) != "chello" {
		t.Fatalf("after Adjust: %q", p.Bytes())
	}
	if p.Adjust(7) || p.Prepend(Headroom) || p.Prepend(-1) || p.Adjust(-1) {
		t.Fatal("an impossible edit succeeded")
	}
	if !p.Append(1) || p.Len() != 7 || p.Append(BufferSize) || !p.Trim(2) || p.Trim(3) {
		t.Fatal("Append or Trim is wrong")
	}
	if string(p.Bytes()) != "ch" {
		t.Fatalf("after all: %q", p.Bytes())
	}
}

func TestFramesLargerThanUsualTakeHeadroom(t *testing.T) {
	c := newPool(t, 64).NewCache()
	p := c.Alloc()
	p.Init(BufferSize)
	if p.Len() != BufferSize || p.HeadroomLen() != 0 || p.TailroomLen() != 0 {
		t.Fatalf("len %d headroom %d", p.Len(), p.HeadroomLen())
	}
	if p.Prepend(1) {
		t.Fatal("Prepend without headroom succeeded")
	}
}

func TestSegmentedPackets(t *testing.T) {
	pool := newPool(t, 64)
	c := pool.NewCache()
	data := make([]byte, 9000)
	for i := range data {
		data[i] = byte(i * 7)
	}
	p := c.New(data)
	if p == 0 || p.TotalLen() != len(data) || p.Next() == 0 {
		t.Fatalf("New: %v", p)
	}
	out := make([]byte, 10000)
	if n := p.CopyOut(out); n != len(data) || !bytes.Equal(out[:n], data) {
		t.Fatalf("CopyOut returned %d bytes", n)
	}
	p.Metadata()[5] = 9
	q := c.Copy(p, MetadataSize)
	if n := q.CopyOut(out); n != len(data) || !bytes.Equal(out[:n], data) || q.Metadata()[5] != 9 {
		t.Fatal("Copy differs")
	}
	b := &Batch{}
	b.Add(p)
	b.Add(q)
	c.FreeBatch(b)
	if got := pool.Available(); got != 64 {
		t.Fatalf("%d packets available after freeing all, want 64", got)
	}
	if c.New(make([]byte, MaxTotal+1)) != 0 {
		t.Fatal("an oversized packet was accepted")
	}
}

func TestExhaustionIsAllOrNothing(t *testing.T) {
	pool := newPool(t, 128)
	c := pool.NewCache()
	var a, b, d Batch
	if !c.AllocBatch(&a, 64, 60) || !c.AllocBatch(&b, 60, 60) {
		t.Fatal("allocation failed early")
	}
	if c.AllocBatch(&d, 5, 60) || d.Len() != 0 {
		t.Fatal("more packets than the pool has")
	}
	if pool.Available() != 4 {
		t.Fatalf("available %d, want 4", pool.Available())
	}
	if c.New(make([]byte, 20000)) != 0 || pool.Available() != 4 {
		t.Fatal("a failed New kept packets")
	}
	c.FreeBatch(&a)
	c.FreeBatch(&b)
	if pool.Available() != 128 {
		t.Fatalf("available %d, want 128", pool.Available())
	}
}

func TestPacketsMoveBetweenCachesWithoutLossOrDoubling(t *testing.T) {
	const workers, rounds = 4, 3000
	pool := newPool(t, 4096)
	pass := make(chan []Packet, 64)
	var wg sync.WaitGroup
	caches := make([]*Cache, workers)
	for i := range caches {
		caches[i] = pool.NewCache()
	}
	for w, c := range caches {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			var b Batch
			for range rounds {
				n := 1 + rng.IntN(BatchSize)
				if c.AllocBatch(&b, n, 64) {
					for _, p := range b.Packets() {
						p.Bytes()[0] = byte(w)
					}
					for _, p := range b.Packets() {
						if p.Bytes()[0] != byte(w) {
							t.Error("a packet has two owners")
							return
						}
					}
					select {
					case pass <- append([]Packet(nil), b.Packets()...):
					default:
						c.FreeBatch(&b)
					}
				}
				select {
				case ps := <-pass:
					c.FreeAll(ps)
				default:
				}
				if rng.IntN(50) == 0 {
					c.Flush()
				}
			}
		})
	}
	wg.Wait()
	close(pass)
	for ps := range pass {
		caches[0].FreeAll(ps)
	}
	if got := pool.Available(); got != 4096 {
		t.Fatalf("%d packets available in the end, want 4096", got)
	}
	for _, c := range caches {
		c.Close()
	}
	seen := map[Packet]bool{}
	c := pool.NewCache()
	for p := c.Alloc(); p != 0; p = c.Alloc() {
		if seen[p] {
			t.Fatal("one packet handed out twice")
		}
		seen[p] = true
	}
	if len(seen) != 4096 {
		t.Fatalf("%d distinct packets, want 4096", len(seen))
	}
}

func TestFreedTellsWhatAFaultLeftBehind(t *testing.T) {
	c := newPool(t, 1024).NewCache()
	var b Batch
	c.AllocBatch(&b, 8, 60)
	mark := c.Mark()
	c.Free(b.At(3))
	freed, ok := c.Freed(mark, b.Packets())
	if !ok {
		t.Fatal("no answer although nothing was spilled")
	}
	for i, f := range freed {
		if f != (i == 3) {
			t.Errorf("packet %d: freed %v", i, f)
		}
	}
	c.Flush()
	if _, ok := c.Freed(mark, b.Packets()); ok {
		t.Fatal("an answer although the cache was flushed")
	}
}

func TestNoAllocation(t *testing.T) {
	c := newPool(t, 1024).NewCache()
	var b Batch
	if n := testing.AllocsPerRun(100, func() {
		c.AllocBatch(&b, BatchSize, 60)
		c.FreeBatch(&b)
		c.Free(c.Alloc())
	}); n != 0 {
		t.Fatalf("%v allocations per batch", n)
	}
}

func BenchmarkAllocFreeBatch(b *testing.B) {
	pool := newPool(b, 4096)
	c := pool.NewCache()
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		c.AllocBatch(&batch, BatchSize, 60)
		c.FreeBatch(&batch)
	}
}
