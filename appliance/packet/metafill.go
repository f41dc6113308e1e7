// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// MetadataConst is what many packets are to have in their metadata: constants
// of any number of attributes. The zero MetadataConst writes nothing.
type MetadataConst struct {
	// The metadata area as words, the first byte of each at the bottom, and
	// which bits of it are constant. The others of value are zero.
	value, mask [MetadataSize / 8]uint64
}

// Set adds the bits of mask in word w, 0..MetadataSize/8-1, with those of value.
func (c *MetadataConst) Set(w int, value, mask uint64) {
	c.value[w] = c.value[w]&^mask | value&mask
	c.mask[w] |= mask
}

// Write writes the constants to the metadata of the packets.
func (c *MetadataConst) Write(ps []Packet) {
	for w := 0; w < len(c.mask); w += lineWords {
		if mask := (*metaLine)(c.mask[w:]); *mask != (metaLine{}) {
			blend(ps, 8*w, (*metaLine)(c.value[w:]), mask)
		}
	}
}

// metaLine is as much of the metadata as is written at once, as words.
type metaLine [lineWords]uint64

const lineWords = 8

// blendPortable writes the bits of mask with those of value to the line of
// metadata at off, in all packets.
func blendPortable(ps []Packet, off int, value, mask *metaLine) {
	for i, m := range mask {
		if m == 0 {
			continue
		}
		w := (off/8 + i) & (MetadataSize/8 - 1)
		for _, p := range ps {
			md := p.MetadataWords()
			md[w] = md[w]&^m | value[i]
		}
	}
}

// ClearMetadata sets the first n bytes of all packets' metadata, 0..MetadataSize,
// to zero; up to 63 bytes behind them may become zero, too.
func ClearMetadata(ps []Packet, n int) { clearMetadata(ps, min(n, MetadataSize)) }

// clearPortable is ClearMetadata for any processor, a word at a time.
func clearPortable(ps []Packet, n int) {
	if n <= 0 {
		return // as without modules that use attributes
	}
	words := min(n+7, MetadataSize) / 8
	for _, p := range ps {
		md := p.MetadataWords()
		for i := 0; i < words; i++ {
			md[i&(MetadataSize/8-1)] = 0
		}
	}
}
