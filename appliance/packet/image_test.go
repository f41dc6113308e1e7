// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"testing"
)

func TestStampTakesImagesInTurn(t *testing.T) {
	for name, stamp := range stamps() {
		t.Run(name, func(t *testing.T) {
			for _, k := range []int{1, 2, 6, 64} {
				c, b := cacheWithBatch(t, BatchSize)
				var images []Image
				var want [][]byte
				for i := range k {
					data := bytes.Repeat([]byte{byte(i + 1)}, (i*31+k)%(ImageSize+1))
					images, want = append(images, NewImage(data)), append(want, data)
				}
				for _, p := range b.Packets() {
					p.Prepend(17) // of an earlier life
				}
				start := k / 2
				done, next := stamp(b.Packets(), images, start)
				if done != BatchSize || next != (start+BatchSize)%k {
					t.Fatalf("%d images: %d done, image %d is next", k, done, next)
				}
				for i, p := range b.Packets() {
					w := want[(start+i)%k]
					if !bytes.Equal(p.Bytes(), w) || p.TotalLen() != len(w) || p.HeadroomLen() != Headroom {
						t.Fatalf("%d images: packet %d is %x (total %d, headroom %d), want %x", k, i, p.Bytes(), p.TotalLen(), p.HeadroomLen(), w)
					}
				}
				c.FreeBatch(b)
			}
		})
	}
}

// The forms of fresh move packets alike, give all of them and no other one the
// image, and leave nothing of their earlier life.
func TestFreshPackets(t *testing.T) {
	for name, fresh := range map[string]func(dst, src []Packet, im *Image){"chosen": fresh, "portable": freshPortable, "with tail": stampFresh} {
		for n := range BatchSize {
			c, b := cacheWithBatch(t, BatchSize)
			for _, p := range b.Packets() {
				p.Append(ImageSize)
				fill(p.Bytes(), 0xee)
				p.Adjust(5)
			}
			want := b.Packets()
			im := NewImage(bytes.Repeat([]byte{7}, 1+n))
			got := make([]Packet, n)
			fresh(got, want, &im)
			for i, p := range got {
				if p != want[i] || p.TotalLen() != 1+n || p.HeadroomLen() != Headroom {
					t.Fatalf("%s, %d of %d: packet %x (total %d, headroom %d), want %x", name, i, n, p, p.TotalLen(), p.HeadroomLen(), want[i])
				}
				if !bytes.Equal(p.Bytes(), im.head[:1+n]) {
					t.Fatalf("%s, %d of %d: content %x", name, i, n, p.Bytes())
				}
			}
			if p := want[n]; p.Len() != 60+ImageSize-5 || p.Bytes()[0] != 0xee {
				t.Fatalf("%s: packet %d is not to be touched: %x", name, n, p.Bytes())
			}
			c.FreeBatch(b)
		}
	}
}

func TestAllocZeroBatchLeavesNothingOfEarlierPackets(t *testing.T) {
	for _, size := range []int{0, 1, 59, 60, 64, 65, ImageSize, ImageSize + 1, 1500} {
		c, b := cacheWithBatch(t, BatchSize)
		for _, p := range b.Packets() {
			p.Append(BufferSize - Headroom - 60)
			fill(p.Bytes(), 0xee)
		}
		c.FreeBatch(b)
		for _, n := range []int{0, 1, 7, 8, 63, BatchSize} {
			if !c.AllocZeroBatch(b, n, size) || b.Len() != n {
				t.Fatalf("%d packets of %d bytes: got %d", n, size, b.Len())
			}
			for _, p := range b.Packets() {
				if !bytes.Equal(p.Bytes(), make([]byte, size)) || p.TotalLen() != size {
					t.Fatalf("%d bytes: content %x", size, p.Bytes())
				}
			}
			c.FreeBatch(b)
		}
	}
}

func fill(data []byte, v byte) {
	for i := range data {
		data[i] = v
	}
}

// both is Stamp made of the two parts of an implementation.
func both(stamp func([]Packet, []Image, int) (int, int), tails func([]Packet, []Image, int)) func([]Packet, []Image, int) (int, int) {
	return func(ps []Packet, images []Image, i int) (done, next int) {
		done, next = stamp(ps, images, i)
		tails(ps[:done], images, i)
		return done, next
	}
}

// chosen is Stamp.
func chosen(ps []Packet, images []Image, i int) (done, next int) {
	return Stamp(ps, imagesOf(images...), i)
}

func imagesOf(list ...Image) *Images {
	s := new(Images)
	for _, im := range list {
		s.Add(im)
	}
	return s
}

func TestStampStopsAtSegmentsAndFlags(t *testing.T) {
	for name, stamp := range stamps() {
		t.Run(name, func(t *testing.T) {
			images := []Image{NewImage([]byte("one")), NewImage([]byte("two"))}
			for _, k := range []int{1, 2} {
				c, b := cacheWithBatch(t, 8)
				b.At(3).SetFlags(FlagPartialChecksum)
				tail := c.Alloc()
				b.At(5).Chain(tail)
				if done, next := stamp(b.Packets(), images[:k], 0); done != 3 || next != 3%k {
					t.Fatalf("%d done, image %d is next", done, next)
				}
				if done, next := stamp(b.Packets()[4:], images[:k], 1%k); done != 1 || next != 2%k {
					t.Fatalf("%d done, image %d is next", done, next)
				}
				if b.At(3).Flags() != FlagPartialChecksum || b.At(5).Next() != tail || b.At(3).Len() != 60 {
					t.Fatal("a packet behind the last one done has changed")
				}
				c.FreeBatch(b)
			}
		})
	}
}

func TestStampOfNothing(t *testing.T) {
	_, b := cacheWithBatch(t, 1)
	if done, next := Stamp(b.Packets(), new(Images), 0); done != 0 || next != 0 {
		t.Fatal(done, next)
	}
	if done, next := Stamp(nil, imagesOf(make([]Image, 2)...), 1); done != 0 || next != 1 {
		t.Fatal(done, next)
	}
	if done, next := Stamp(b.Packets(), imagesOf(make([]Image, 2)...), 2); done != 0 || next != 2 {
		t.Fatal(done, next)
	}
}

// cacheWithBatch returns n packets of 60 bytes.
func cacheWithBatch(t testing.TB, n int) (*Cache, *Batch) {
	t.Helper()
	pool, err := NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c, b := pool.NewCache(), new(Batch)
	if !c.AllocBatch(b, n, 60) {
		t.Fatal("no packets")
	}
	return c, b
}

func BenchmarkStamp(b *testing.B) {
	_, batch := cacheWithBatch(b, BatchSize)
	long := []Image{NewImage(make([]byte, 100))}
	for name, list := range map[string][]Image{"1": make([]Image, 1), "6": make([]Image, 6), "long": long} {
		images := imagesOf(list...)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Stamp(batch.Packets(), images, 0)
			}
		})
	}
}
