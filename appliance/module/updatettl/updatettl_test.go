// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package updatettl_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/updatettl"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", updatettl.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", updatettl.Class, nil)
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, updatettl.Class) }

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, updatettl.Class, nil, moduletest.Frame("U1"))
}

// The checksum is what RFC 1624 says, whatever it was and whatever the TTL.
func TestEveryChecksum(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", updatettl.Class, nil)
	frame := moduletest.Frame("U1")
	var batch, want [][]byte
	for sum := range 1 << 16 {
		ip := header.IPv4(frame[header.EthernetLen:])
		ip.SetTTL(uint8(2 + sum%254))
		ip.SetChecksum(uint16(sum))
		batch = append(batch, bytes.Clone(frame))
		ip.DecrementTTL()
		want = append(want, bytes.Clone(frame))
		if len(batch) == packet.BatchSize {
			h.Send("m", 0, batch...)
			if got := h.Out("m", 0); !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("checksums up to %#x: %x, want %x", sum, got, want)
			}
			batch, want = nil, nil
		}
	}
}
