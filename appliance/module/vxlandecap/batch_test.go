// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlandecap

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// usual is a frame in VXLAN: Ethernet, IPv4, UDP, VXLAN and 16 bytes.
const usual = "06163e1b7232021e679f4dae0800" + "450000340000400040110000c0a80001c0a80002" +
	"c12312b500200000" + "0800000000004d00" + "101112131415202122232425" + "88b5aabb"

// Frames that lose their headers in batches become the same as those that lose
// them one by one.
func TestBatchesAreAsOneByOne(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	frame, err := hex.DecodeString(usual)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	place := func() int { return random.IntN(packet.MetadataSize) - 3 }
	pulled := 0
	for range 1000 {
		at := packet.VXLANPlaces{Src: place(), Dst: place(), ID: place()}
		var b, twins packet.Batch
		c.AllocBatch(&b, random.IntN(packet.BatchSize+1), 0)
		c.AllocBatch(&twins, b.Len(), 0)
		for i, p := range b.Packets() {
			p.Set(frame)
			d := p.Bytes()
			for random.IntN(2) == 0 {
				d[12+random.IntN(38)] ^= 1 << random.IntN(8)
			}
			switch random.IntN(8) {
			case 0:
				p.Trim(random.IntN(len(d) + 1))
			case 1:
				p.Append(random.IntN(20))
			}
			for i := range p.Metadata() {
				p.Metadata()[i] = byte(random.Uint32())
			}
			q := twins.At(i)
			q.Set(p.Bytes())
			*q.Metadata() = *p.Metadata()
			if random.IntN(8) == 0 {
				for _, x := range []packet.Packet{p, q} {
					s := c.Alloc()
					s.Set([]byte("more"))
					x.Chain(s)
				}
			}
		}
		a := newAttributes(at)
		want := a.pull(twins.Packets(), 1<<b.Len()-1)
		if other := a.pull(b.Packets(), packet.PullVXLAN(b.Packets(), at)); other != want {
			t.Fatalf("%d are not VXLAN, want %d", other, want)
		}
		pulled += b.Len() - want
		for i, p := range b.Packets() {
			q := twins.At(i)
			if !bytes.Equal(p.Bytes(), q.Bytes()) || p.TotalLen() != q.TotalLen() || p.HeadroomLen() != q.HeadroomLen() || *p.Metadata() != *q.Metadata() {
				t.Fatalf("%+v: packet %d is\n%x, total %d, metadata\n%x; want\n%x, %d,\n%x", at, i,
					p.Bytes(), p.TotalLen(), *p.Metadata(), q.Bytes(), q.TotalLen(), *q.Metadata())
			}
		}
		c.FreeBatch(&b)
		c.FreeBatch(&twins)
	}
	if pulled == 0 {
		t.Error("no frame was VXLAN")
	}
}

func BenchmarkPull(b *testing.B) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	frame, err := hex.DecodeString(usual)
	if err != nil {
		b.Fatal(err)
	}
	c, batch := pool.NewCache(), new(packet.Batch)
	c.AllocBatch(batch, packet.BatchSize, 0)
	ps := batch.Packets()
	for _, p := range ps {
		p.Set(frame)
	}
	at := packet.VXLANPlaces{Src: 0, Dst: 4, ID: 8}
	a := newAttributes(at)
	for name, pull := range map[string]func(){
		"batch":      func() { packet.PullVXLAN(ps, at) },
		"one by one": func() { a.pull(ps, 1<<packet.BatchSize-1) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				pull()
				for _, p := range ps {
					p.Push(plainLen)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
		})
	}
}
