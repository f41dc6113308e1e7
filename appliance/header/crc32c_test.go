// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// slowCRC is the definition, bit by bit, of the reflected polynomial.
func slowCRC(crc uint32, data []byte) uint32 {
	for _, b := range data {
		crc ^= uint32(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

func TestCRC32CAgreesAtEveryLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	data := make([]byte, 80)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	for n := range len(data) {
		for _, seed := range []uint32{0, 0xffffffff, 17, rng.Uint32()} {
			if got, want := CRC32C(seed, data[:n]), slowCRC(seed, data[:n]); got != want {
				t.Fatalf("%d bytes, seed %#x: %#x, want %#x", n, seed, got, want)
			}
		}
	}
	// With the inversions it is the well known check value.
	if got := ^CRC32C(0xffffffff, []byte("123456789")); got != 0xe3069283 || got != crc32.Checksum([]byte("123456789"), castagnoli) {
		t.Errorf("check value %#x", got)
	}
}

func TestCRC32CWords(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	var b [8]byte
	for range 10_000 {
		seed, v := rng.Uint32(), rng.Uint64()
		binary.LittleEndian.PutUint64(b[:], v)
		if CRC32CUint64(seed, v) != slowCRC(seed, b[:]) || CRC32CUint32(seed, uint32(v)) != slowCRC(seed, b[:4]) ||
			CRC32CUint16(seed, uint16(v)) != slowCRC(seed, b[:2]) {
			t.Fatalf("seed %#x value %#x", seed, v)
		}
	}
}

// The hashes of cases C37 to C42 of classify.md, each computed as its mode says.
func TestCRC32COfHashLBCases(t *testing.T) {
	le16 := func(f []byte, at int) uint16 { return binary.LittleEndian.Uint16(f[at:]) }
	le32 := func(f []byte, at int) uint32 { return binary.LittleEndian.Uint32(f[at:]) }
	l3 := func(f []byte) uint32 { return le32(f, 26) ^ le32(f, 30) }
	l4 := func(f []byte) uint32 {
		at := 14 + IPv4(f[14:]).HeaderLen()
		return l3(f) ^ uint32(le16(f, at)) ^ uint32(le16(f, at+2)) ^ uint32(f[23])
	}
	u1, t1, v1 := unhex(t, frameU1), unhex(t, frameT1), unhex(t, frameV1)
	var macs uint16
	for at := 0; at < 12; at += 2 {
		macs ^= le16(u1, at)
	}
	field := append(append([]byte{}, v1[14:16]...), make([]byte, 6)...)
	for _, c := range []struct {
		name      string
		got, want uint32
		gates     uint64
		gate      int
	}{
		{"C37 l2", CRC32CUint16(0, macs), 0xb787d287, 3, 2},
		{"C38 l3", CRC32CUint32(0, l3(u1)), 0xff74f696, 3, 2},
		{"C39 l4", CRC32CUint32(0, l4(u1)), 0x217b2d60, 3, 0},
		{"C40 l4 of T1", CRC32CUint32(0, l4(t1)), 0xd11f2497, 3, 2},
		{"C40 with four gates", CRC32CUint32(0, l4(t1)), 0xd11f2497, 4, 3},
		{"C41 field 14,2", CRC32C(0, field), 0x1de5b089, 3, 0},
		{"C42 fields 26,4 30,4", CRC32C(0, u1[26:34]), 0x7c205935, 3, 1},
		{"C42 as one word", CRC32CUint64(0, binary.LittleEndian.Uint64(u1[26:])), 0x7c205935, 3, 1},
	} {
		if gate := int(uint64(c.got) * c.gates >> 32); c.got != c.want || gate != c.gate {
			t.Errorf("%s: %08x gate %d, want %08x gate %d", c.name, c.got, gate, c.want, c.gate)
		}
	}
}

// Case H10 of headers.md: VXLAN's source port comes from a CRC with all bits set.
func TestCRC32CSeedOfVXLANCase(t *testing.T) {
	if got := uint16(CRC32C(0xffffffff, unhex(t, frameA1)[:12])) | 0xc000; got != 0xf3d6 {
		t.Errorf("source port %#x, want 0xf3d6", got)
	}
}
