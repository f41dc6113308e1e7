// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"testing"
)

func TestAttrReadsAndWritesItsPlace(t *testing.T) {
	for off := -3; off < MetadataSize+3; off++ {
		for _, size := range []int{1, 2, 4, 6} {
			var md, want [MetadataSize]byte
			for i := range md {
				md[i] = byte(i + 1)
			}
			want = md
			a := AttrAt(off, size)
			read, write := access(a, size)
			var wide [8]byte
			if off >= 0 && off+size <= MetadataSize {
				copy(wide[:size], md[off:])
				if write != nil {
					copy(want[off:off+size], "\xf1\xf2\xf3\xf4")
				}
			}
			if v := read(&md); v != binary.LittleEndian.Uint64(wide[:]) {
				t.Errorf("%d bytes at %d: read %#x, want %#x", size, off, v, wide)
			}
			if write != nil {
				write(&md)
			}
			if md != want {
				t.Errorf("%d bytes at %d: wrote %x, want %x", size, off, md, want)
			}
		}
	}
	if (AttrAt(0, 0) != Attr{}) || (AttrAt(0, 9) != Attr{}) {
		t.Error("a size out of range has a place")
	}
}

// access returns the reader and the writer for a size.
func access(a Attr, size int) (read func(*[MetadataSize]byte) uint64, write func(*[MetadataSize]byte)) {
	switch size {
	case 1:
		return func(md *[MetadataSize]byte) uint64 { return uint64(a.Load8(md)) },
			func(md *[MetadataSize]byte) { a.Store8(md, 0xf1) }
	case 2:
		return func(md *[MetadataSize]byte) uint64 { return uint64(a.Load16(md)) },
			func(md *[MetadataSize]byte) { a.Store16(md, 0xf2f1) }
	case 4:
		return func(md *[MetadataSize]byte) uint64 { return uint64(a.Load32(md)) },
			func(md *[MetadataSize]byte) { a.Store32(md, 0xf4f3f2f1) }
	}
	return a.Load48, nil
}

func TestMetadataWordsAreTheArea(t *testing.T) {
	_, b := cacheWithBatch(t, 1)
	p := b.At(0)
	p.MetadataWords()[15] = 0x0807060504030201
	if got := p.Metadata()[120:]; string(got) != "\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Errorf("the last word is %x", got)
	}
}

func TestClearMetadata(t *testing.T) {
	_, b := cacheWithBatch(t, 3)
	for i := range 2*MetadataSize + 2 {
		n, clear, more := i/2, ClearMetadata, 64
		if i%2 == 0 {
			clear, more = clearPortable, 8
		}
		for _, p := range b.Packets() {
			for i := range p.Metadata() {
				p.Metadata()[i] = 0xff
			}
		}
		clear(b.Packets(), n)
		for _, p := range b.Packets() {
			for i, v := range p.Metadata() {
				if i < n && v != 0 || i >= n+more-1 && v != 0xff {
					t.Fatalf("the first %d bytes cleared: byte %d is %#x", n, i, v)
				}
			}
		}
	}
}
