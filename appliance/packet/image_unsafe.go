// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "unsafe"

// stampPortable is Stamp, but for the bytes behind imageHead, for any
// processor: ps and images are not empty, i is one of images.
func stampPortable(ps []Packet, images []Image, i int) (done, next int) {
	for k, p := range ps {
		h := p.hdr()
		if h.link != 0 {
			return k, i
		}
		im := &images[i]
		if i++; i == len(images) {
			i = 0
		}
		data := uintptr(p) + front
		h.data = data
		*(*uint64)(unsafe.Pointer(&h.len)) = im.lens
		*(*[imageHead]byte)(unsafe.Add(unsafe.Pointer(nil), data)) = im.head
	}
	return len(ps), i
}

// freshPortable is fresh for any processor.
func freshPortable(dst, src []Packet, im *Image) {
	copy(dst, src)
	stampPortable(dst, single(im), 0)
}

// single returns a list of one image.
func single(im *Image) []Image { return unsafe.Slice(im, 1) }

// stampTailsPortable gives the packets of long images what is behind imageHead
// bytes, when Stamp has done the rest.
func stampTailsPortable(ps []Packet, images []Image, i int) {
	for _, p := range ps {
		im := &images[i]
		if i++; i == len(images) {
			i = 0
		}
		if im.long() {
			behind := uintptr(p) + front + imageHead
			*(*[ImageSize - imageHead]byte)(unsafe.Add(unsafe.Pointer(nil), behind)) = im.tail
		}
	}
}
