// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "testing"

func TestMetaStaysInTheArea(t *testing.T) {
	for _, off := range []int{-3, -2, -1, 0, 5, 124, 125, 126, 127, 128, 1 << 40} {
		var md [MetadataSize]byte
		for size, set := range map[int]func(){
			1: func() { SetMeta8(&md, off, 0x11) },
			2: func() { SetMeta16(&md, off, 0x2211) },
			4: func() { SetMeta32(&md, off, 0x44332211) },
		} {
			clear(md[:])
			set()
			inside := off >= 0 && off+size <= MetadataSize
			for i, v := range md {
				want := byte(0)
				if inside && i >= off && i < off+size {
					want = byte(0x11 * (i - off + 1))
				}
				if v != want {
					t.Errorf("%d bytes at %d: byte %d is %#x, want %#x", size, off, i, v, want)
				}
			}
			got := map[int]uint32{1: uint32(Meta8(&md, off)), 2: uint32(Meta16(&md, off)), 4: Meta32(&md, off)}[size]
			want := map[int]uint32{1: 0x11, 2: 0x2211, 4: 0x44332211}[size]
			if !inside {
				want = 0
			}
			if got != want {
				t.Errorf("%d bytes at %d: read %#x, want %#x", size, off, got, want)
			}
		}
	}
}
