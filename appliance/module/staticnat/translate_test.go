// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package staticnat

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// The short way and the long one give the same bytes, in batches of packets of
// several ranges, kinds and states of their checksums.
func TestShortWayIsTheLongWay(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	cache, b := pool.NewCache(), new(packet.Batch)
	s := spans{{start: 10 << 24, last: 10<<24 + 99, to: 20 << 24}, {start: 30 << 24, last: 30<<24 + 0xffff, to: 30 << 24}, {start: 0x7f00_0000, last: 0xffff_fffe, to: 0}}
	random := rand.New(rand.NewPCG(1, 2))
	starts := []uint32{10 << 24, 10 << 24, 30 << 24, 0x7f00_0000, 0xffff_ff00, 5}
	for round := range 2000 {
		side := []header.Side{header.SrcSide, header.DstSide}[round%2]
		var want [][]byte
		translated := 0
		cache.AllocBatch(b, 1+random.IntN(packet.BatchSize), 64)
		for _, p := range b.Packets() {
			p.Set(randomFrame(random, starts))
			if random.IntN(10) == 0 {
				p.SetFlags(packet.FlagPartialChecksum)
			}
			q := cache.Copy(p, 0)
			if s.translateAny(q, side) {
				translated++
			}
			want = append(want, bytes.Clone(q.Bytes()))
			cache.Free(q)
		}
		if n := s.translate(b.Packets(), side); n != translated {
			t.Fatalf("%d translated, want %d", n, translated)
		}
		for i, p := range b.Packets() {
			if !bytes.Equal(p.Bytes(), want[i]) {
				t.Fatalf("packet %d is %x, want %x", i, p.Bytes(), want[i])
			}
		}
		cache.FreeBatch(b)
	}
}

// randomFrame returns a frame, mostly of the usual kind, with addresses from the
// given ones on.
func randomFrame(random *rand.Rand, starts []uint32) []byte {
	f := append(moduletest.Frame([]string{"U1", "U1", "T1", "I1", "A1"}[random.IntN(5)]), make([]byte, 20)...)
	ip := header.IPv4(f[14:])
	ip.SetSrc(starts[random.IntN(len(starts))] + random.Uint32N(120))
	ip.SetDst(starts[random.IntN(len(starts))] + random.Uint32N(120))
	for _, at := range []int{24, 40, 50} { // checksums, or what is there
		if v := []uint16{0, 1, 0xffff, uint16(random.Uint32())}[random.IntN(4)]; random.IntN(2) == 0 {
			be.PutUint16(f[at:], v)
		}
	}
	switch random.IntN(12) {
	case 0:
		be.PutUint16(f[20:], uint16(random.Uint32())) // a fragment
	case 1:
		be.PutUint16(f[16:], uint16(random.Uint32N(60))) // another length
	case 2:
		f = f[:random.IntN(len(f))]
	}
	return f
}
