// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "unsafe"

// stampPortable is Stamp for any processor: ps and images are not empty, i is
// one of images.
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
		data := h.buf + Headroom
		h.data = data
		*(*uint64)(unsafe.Pointer(&h.len)) = im.lens
		*(*[ImageSize]byte)(unsafe.Add(unsafe.Pointer(nil), data)) = im.data
	}
	return len(ps), i
}
