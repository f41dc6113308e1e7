// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package setmetadata

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Constants of every size at every place, side by side with another, and what
// lies around them stays.
func TestConstantsKeepTheirNeighbours(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	p := pool.NewCache().Alloc()
	for size := 1; size <= module.MaxAttrSize; size++ {
		for off := 0; off+size+1 <= packet.MetadataSize; off++ {
			var want [packet.MetadataSize]byte
			for i := range want {
				want[i] = byte(i)
			}
			*p.Metadata() = want
			o, next := op{size: size, constant: true}, op{size: 1, constant: true}
			for i := range size {
				o.value[i] = byte(200 - i)
			}
			next.value[0] = 99
			copy(want[off:], o.value[:size])
			want[off+size] = 99
			var c constants
			c.add(&o, off)
			c.add(&next, off+size)
			c.Write([]packet.Packet{p})
			if *p.Metadata() != want {
				t.Fatalf("%d bytes at %d: %x, want %x", size, off, *p.Metadata(), want)
			}
		}
	}
}
