// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// packets returns packets with the frames in them; they end with the test.
func packets(t testing.TB, frames [][]byte) []packet.Packet {
	t.Helper()
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c := pool.NewCache()
	var ps []packet.Packet
	for _, f := range frames {
		p := c.New(f)
		if p == 0 {
			t.Fatal("the pool is exhausted")
		}
		ps = append(ps, p)
	}
	return ps
}

// What is decided for many packets at once is what is decided for each; packets
// that are not asked about are in no result.
func TestBatchAgreesWithMatch(t *testing.T) {
	frames := append(crafted(), nil, []byte{1})
	ps := packets(t, frames)
	rng := rand.New(rand.NewPCG(3, 4))
	long := strings.Repeat("port 1 or ", 10) + "udp"
	for _, expr := range append([]string{"", long, "not (" + long + ")"}, expressions...) {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(ps); at += 64 {
			part := ps[at:min(at+64, len(ps))]
			todo := rng.Uint64() >> (64 - len(part))
			var want uint64
			for i := range part {
				if f := frames[at+i]; todo>>i&1 != 0 && p.Match(f, len(f)) {
					want |= 1 << i
				}
			}
			if got := p.MatchBatch(part, todo); got != want {
				t.Fatalf("%q: frames %d...: matches are %b, want %b of %b", expr, at, got, want, todo)
			}
		}
	}
}

func TestMatchBatchDoesNotAllocate(t *testing.T) {
	ps := packets(t, crafted()[:64])
	for _, expr := range expressions {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(10, func() { p.MatchBatch(ps, ^uint64(0)) }); n != 0 {
			t.Errorf("%q: %v allocations", expr, n)
		}
	}
}
