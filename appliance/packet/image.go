// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// ImageSize is the longest packet an Image holds, in bytes.
const ImageSize = 128

// imageHead is how many bytes every packet gets, those of shorter images, too.
const imageHead = 64

// Image is a short packet to be stamped onto many. The zero Image is an empty
// packet.
type Image struct {
	// lens is what header.len and header.total become, as one word.
	lens uint64
	_    [56]byte // aligns what follows to the width of the moves
	head [imageHead]byte
	tail [ImageSize - imageHead]byte
}

// NewImage returns an image of data, of which only the first ImageSize bytes
// are used.
func NewImage(data []byte) Image {
	var im Image
	n := copy(im.head[:], data)
	n += copy(im.tail[:], data[n:])
	im.lens = uint64(n) | uint64(n)<<32
	return im
}

// Images are images to be stamped in turn.
type Images struct {
	list []Image
	long bool // one of them has more than a head
}

// Add appends an image.
func (s *Images) Add(im Image) {
	s.list = append(s.list, im)
	s.long = s.long || im.long()
}

// zeroImages are, by size, images of so many zero bytes.
var zeroImages = func() (list [ImageSize + 1]Image) {
	for n := range list {
		list[n] = NewImage(make([]byte, n))
	}
	return list
}()

// Stamp gives the packets ps the content of images, in turn and beginning with
// image i, and returns how many were done and which image is next. It stops
// before a packet that has segments or flags. The bytes behind the packet, up
// to 64 or to ImageSize, are overwritten, too. Metadata stays.
func Stamp(ps []Packet, images *Images, i int) (done, next int) {
	if len(ps) == 0 || uint(i) >= uint(len(images.list)) {
		return 0, i
	}
	done, next = stamp(ps, images.list, i)
	if images.long {
		stampTails(ps[:done], images.list, i)
	}
	return done, next
}

// stampFresh moves the free packets src to dst, which is not longer, and gives
// each the image.
func stampFresh(dst, src []Packet, im *Image) {
	fresh(dst, src, im)
	if im.long() {
		stampTails(dst, single(im), 0)
	}
}

// long reports whether there is more than a head.
func (im *Image) long() bool { return uint32(im.lens) > imageHead }
