// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// slowSum is RFC 1071 word by word.
func slowSum(data []byte, initial uint32) uint16 {
	sum := uint64(initial)
	for i := 0; i < len(data); i += 2 {
		w := uint64(data[i]) << 8
		if i+1 < len(data) {
			w |= uint64(data[i+1])
		}
		sum += w
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// The example of RFC 1071 section 3.
func TestSumOfRFC1071(t *testing.T) {
	if got := Fold(Sum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0)); got != 0xddf2 {
		t.Errorf("sum %#x, want 0xddf2", got)
	}
}

func TestSumAgreesAtEveryLengthAndAlignment(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 300)
	fills := []func() byte{
		func() byte { return byte(rng.Uint32()) },
		func() byte { return 0xff },
		func() byte { return 0 },
	}
	for _, fill := range fills {
		for i := range buf {
			buf[i] = fill()
		}
		for from := range 9 {
			for n := range 280 {
				data := buf[from : from+n]
				for _, initial := range []uint32{0, 0xffff, 0xabcde} {
					if got, want := Fold(Sum(data, initial)), slowSum(data, initial); got != want {
						t.Fatalf("%d bytes at %d, initial %#x: %#x, want %#x", n, from, initial, got, want)
					}
				}
			}
		}
	}
}

func TestSumOfPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 65535)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	for _, at := range []int{0, 2, 20, 40000, 65534} {
		if got, want := Fold(Sum(data[at:], Sum(data[:at], 0))), slowSum(data, 0); got != want {
			t.Errorf("split at %d: %#x, want %#x", at, got, want)
		}
	}
}

// sumBlocks adds what sumBlocksPortable adds, and as many blocks.
func checkSumBlocks(t *testing.T, data []byte) {
	sum, rest := sumBlocks(data)
	want, wantRest := sumBlocksPortable(data)
	if Fold64(sum) != Fold64(want) || len(rest) != len(wantRest) {
		t.Errorf("%d bytes: sum %#x, %d left; want %#x, %d", len(data), Fold64(sum), len(rest), Fold64(want), len(wantRest))
	}
}

func TestSumBlocksAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 4))
	for _, fill := range []func() byte{func() byte { return byte(rng.Uint32()) }, func() byte { return 0xff }, func() byte { return 0 }} {
		data := make([]byte, 3<<19+77)
		for i := range data {
			data[i] = fill()
		}
		for _, n := range []int{0, 1, 127, 128, 129, 1500, 9000, 65535, 1<<19 - 1, 1 << 19, 1<<19 + 1, 1<<20 + 128, len(data)} {
			checkSumBlocks(t, data[:n])
		}
	}
}

func FuzzSumBlocks(f *testing.F) {
	f.Add(make([]byte, 300), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, skip uint8) {
		checkSumBlocks(t, data[min(int(skip), len(data)):])
		if len(data) > 0 {
			for len(data) < 1500 {
				data = append(data, data...)
			}
			checkSumBlocks(t, data[min(int(skip), len(data)):])
		}
	})
}

// The example of RFC 1624 section 4, which equation 2 gets wrong.
func TestUpdateOfRFC1624(t *testing.T) {
	if got := Update16(0xdd2f, 0x5555, 0x3285); got != 0x0000 {
		t.Errorf("got %#x, want 0", got)
	}
}

func TestUpdatesEqualRecomputing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	edge := []uint32{0, 1, 0xffff, 0x10000, 0xffff0000, 0xffffffff, 0xfffeffff}
	data := make([]byte, 12)
	for range 200_000 {
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		old, now := rng.Uint32(), rng.Uint32()
		if rng.IntN(4) == 0 {
			old, now = edge[rng.IntN(len(edge))], edge[rng.IntN(len(edge))]
		}
		be.PutUint32(data[4:], old)
		before := ^slowSum(data, 0)
		be.PutUint32(data[4:], now)
		want := ^slowSum(data, 0)
		if got := Update32(before, old, now); !same(got, want) {
			t.Fatalf("Update32(%#x, %#x, %#x) = %#x, want %#x", before, old, now, got, want)
		}
		got := Update16(Update16(before, uint16(old>>16), uint16(now>>16)), uint16(old), uint16(now))
		if !same(got, want) {
			t.Fatalf("twice Update16(%#x, %#x, %#x) = %#x, want %#x", before, old, now, got, want)
		}
		if before != 0 {
			u := UpdateUDP32(before, old, now)
			if u == 0 || !same(u, want) {
				t.Fatalf("UpdateUDP32(%#x, %#x, %#x) = %#x, want %#x", before, old, now, u, want)
			}
		}
	}
}

// same says whether two checksums verify alike: 0 and ffff are the two zeros
// of one's complement, which only data of all zeros could tell apart.
func same(a, b uint16) bool { return a == b || a+1 <= 1 && b+1 <= 1 }

func TestUpdateUDPKeepsAbsentChecksum(t *testing.T) {
	if UpdateUDP16(0, 1, 2) != 0 || UpdateUDP32(0, 1, 2) != 0 {
		t.Error("an absent checksum became one")
	}
	if got := UpdateUDP16(0xdd2f, 0x5555, 0x3285); got != 0xffff {
		t.Errorf("a result of 0 is written as %#x", got)
	}
	if NonZero(0) != 0xffff || NonZero(5) != 5 {
		t.Error("NonZero")
	}
}

// Case S1 of stateful.md: source 172.16.100.1:10001 becomes 192.168.1.1:40000.
func TestUpdateOfTranslatedPacket(t *testing.T) {
	const oldIP, newIP = 0xac106401, 0xc0a80101
	if got := Update32(0x60b4, oldIP, newIP); got != 0xaf1c {
		t.Errorf("IPv4 checksum %#x, want 0xaf1c", got)
	}
	if got := UpdateUDP16(UpdateUDP32(0x7774, oldIP, newIP), 10001, 40000); got != 0x50ad {
		t.Errorf("UDP checksum %#x, want 0x50ad", got)
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(0), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, at, now uint16) {
		if got, want := Fold(Sum(data, uint32(now))), slowSum(data, uint32(now)); got != want {
			t.Fatalf("Sum of %d bytes: %#x, want %#x", len(data), got, want)
		}
		i := int(at) &^ 1
		if i+2 > len(data) {
			return
		}
		before, old := ^slowSum(data, 0), be.Uint16(data[i:])
		be.PutUint16(data[i:], now)
		if got, want := Update16(before, old, now), ^slowSum(data, 0); !same(got, want) {
			t.Fatalf("Update16(%#x, %#x, %#x) = %#x, want %#x", before, old, now, got, want)
		}
	})
}

// Deduct is Adjust, bit by bit, with the bytes in either order.
func TestDeduct(t *testing.T) {
	for _, delta := range []uint32{0, 1, 0x100, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x3fffc, Delta32(0xac106401, 0xc0000207), Delta32(0, 0), Delta32(0xffffffff, 0)} {
		d := Fold(delta)
		for check := range 1 << 16 {
			want := Adjust(uint16(check), delta)
			swapped := bits.ReverseBytes16(Deduct(bits.ReverseBytes16(uint16(check)), bits.ReverseBytes16(d)))
			if got := Deduct(uint16(check), d); got != want || swapped != want {
				t.Fatalf("check %#x, delta %#x: %#x, swapped %#x, want %#x", check, delta, got, swapped, want)
			}
		}
	}
}
