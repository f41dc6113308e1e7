// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlanencap

import (
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// The flows that are hashed in batches have the hashes of those that are
// looked at one by one.
func TestHashesOfBatches(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c, b := pool.NewCache(), new(packet.Batch)
	random := rand.New(rand.NewPCG(1, 2))
	usual := unhex(t, macs+"08004500002200010000401100000a0000010a00000203e807d0000800001122334455667788")
	for range 2000 {
		n := random.IntN(packet.BatchSize + 1)
		c.AllocBatch(b, n, 0)
		for _, p := range b.Packets() {
			p.Set(usual)
			d := p.Bytes()
			for i := 26; i < 38; i++ {
				d[i] = byte(random.Uint32())
			}
			d[23] = []byte{6, 17, 132, 1}[random.IntN(4)]
			for random.IntN(3) == 0 {
				d[12+random.IntN(11)] ^= 1 << random.IntN(8) // from the type to the TTL
			}
			if random.IntN(8) == 0 {
				p.Trim(random.IntN(len(d) + 1))
			}
		}
		var hashes [packet.BatchSize]uint32
		hash(b.Packets(), &hashes)
		for i, p := range b.Packets() {
			if want := hashAny(p.Bytes()); hashes[i] != want {
				t.Fatalf("packet %d of %d, %x: hash %#x, want %#x", i, n, p.Bytes(), hashes[i], want)
			}
		}
		c.FreeBatch(b)
	}
}

func BenchmarkHash(b *testing.B) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	c, batch := pool.NewCache(), new(packet.Batch)
	c.AllocBatch(batch, packet.BatchSize, 60)
	for _, p := range batch.Packets() {
		copy(p.Bytes(), unhex(b, macs+"08004500002200010000401100000a0000010a00000203e807d00008000011223344"))
	}
	var hashes [packet.BatchSize]uint32
	for name, f := range map[string]func(){
		"batch": func() { hash(batch.Packets(), &hashes) },
		"one by one": func() {
			for i, p := range batch.Packets() {
				hashes[i] = hashAny(p.Bytes())
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
		})
	}
}
