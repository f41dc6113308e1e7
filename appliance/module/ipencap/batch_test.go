// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipencap

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Packets that get their headers in batches have the same headers, metadata and
// sizes as those that get them one by one.
func TestBatchesAreAsOneByOne(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	random := rand.New(rand.NewPCG(1, 2))
	place := func(size int) int { return random.IntN(packet.MetadataSize+4-size) - 2 }
	for range 1000 {
		at := packet.IPv4Places{Src: place(4), Dst: place(4), Proto: place(1), NextHop: place(4), Type: place(2)}
		var b, twins packet.Batch
		c.AllocBatch(&b, random.IntN(packet.BatchSize+1), 0)
		c.AllocBatch(&twins, b.Len(), 0)
		for i, p := range b.Packets() {
			fill(random, p)
			q := twins.At(i)
			q.Init(packet.BufferSize)
			q.Adjust(p.HeadroomLen())
			q.Trim(p.Len())
			copy(q.Bytes(), p.Bytes())
			*q.Metadata() = *p.Metadata()
		}
		e := newEncap(at)
		all := uint64(1)<<b.Len() - 1
		wantNoRoom, wantLong := e.push(twins.Packets(), all)
		left := packet.PushIPv4(b.Packets(), at)
		if noRoom, long := e.push(b.Packets(), left); noRoom != wantNoRoom || long != wantLong {
			t.Fatalf("%d without room, too long %#x; want %d, %#x", noRoom, long, wantNoRoom, wantLong)
		}
		for i, p := range b.Packets() {
			q := twins.At(i)
			if !bytes.Equal(p.Bytes(), q.Bytes()) || p.TotalLen() != q.TotalLen() || *p.Metadata() != *q.Metadata() {
				t.Fatalf("%+v: packet %d is\n%x, total %d, metadata\n%x; want\n%x, %d,\n%x", at, i,
					p.Bytes(), p.TotalLen(), *p.Metadata(), q.Bytes(), q.TotalLen(), *q.Metadata())
			}
		}
		c.FreeBatch(&b)
		c.FreeBatch(&twins)
	}
}

// fill gives p any bytes, with little headroom at times, and metadata that is
// mostly of ones at times, where checksums carry.
func fill(random *rand.Rand, p packet.Packet) {
	p.Init(packet.BufferSize)
	p.Adjust([]int{random.IntN(40), packet.Headroom}[random.IntN(2)])
	p.Trim(random.IntN(200))
	d := p.Bytes()
	for i := range d {
		d[i] = byte(random.Uint32())
	}
	ones := byte(random.IntN(2) * 0xff)
	for i := range p.Metadata() {
		p.Metadata()[i] = byte(random.Uint32()) | ones
	}
}

func TestSegmentsInBatches(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c, b := pool.NewCache(), new(packet.Batch)
	at := packet.IPv4Places{Src: 0, Dst: 4, Proto: 8, NextHop: -1, Type: -1}
	for _, total := range []int{maxLen, maxLen + 1} {
		c.AllocBatch(b, 1, 15)
		p := b.At(0)
		*p.Metadata() = [packet.MetadataSize]byte{}
		for p.TotalLen() < total {
			s := c.Alloc()
			s.Init(min(packet.BufferSize, total-p.TotalLen()))
			p.Chain(s)
		}
		p.SetFlags(packet.FlagPartialChecksum)
		e := newEncap(at)
		noRoom, long := e.push(b.Packets(), packet.PushIPv4(b.Packets(), at))
		if fits := total == maxLen; noRoom != 0 || (long == 0) != fits || (p.TotalLen() == total+20) != fits || p.Flags() != packet.FlagPartialChecksum {
			t.Fatalf("%d bytes: no room %d, too long %d, total %d, flags %d", total, noRoom, long, p.TotalLen(), p.Flags())
		}
		if total == maxLen {
			if d := p.Bytes(); p.Len() != 35 || d[2] != 0xff || d[3] != 0xff || p.Next() == 0 {
				t.Fatalf("first segment %x", d)
			}
		}
		c.FreeBatch(b)
	}
}

func BenchmarkPush(b *testing.B) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	c, batch := pool.NewCache(), new(packet.Batch)
	c.AllocBatch(batch, packet.BatchSize, 60)
	ps := batch.Packets()
	at := packet.IPv4Places{Src: 0, Dst: 4, Proto: 8, NextHop: -1, Type: 10}
	e := newEncap(at)
	for name, push := range map[string]func(){
		"batch":      func() { packet.PushIPv4(ps, at) },
		"one by one": func() { e.push(ps, 1<<packet.BatchSize-1) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				push()
				for _, p := range ps {
					p.Pull(header.IPv4MinLen)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
		})
	}
}
