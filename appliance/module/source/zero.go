// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package source

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// zero clears the data of packets of one size. The compiler turns the
// clearing of an array of constant length into wide stores, which a call of
// the general routine costs more than for the sizes that matter: two blocks,
// one from the front and one from the back, cover every size between one and
// two blocks.
func zero(ps []packet.Packet, size int) {
	switch {
	case size > 256 || size < 32:
		for _, p := range ps {
			clear(p.Bytes())
		}
	case size > 64:
		for _, p := range ps {
			b := p.Bytes()
			last := (*[64]byte)(b[len(b)-64:])
			for ; len(b) > 64; b = b[64:] {
				*(*[64]byte)(b) = [64]byte{}
			}
			*last = [64]byte{}
		}
	default:
		for _, p := range ps {
			b := p.Bytes()
			*(*[32]byte)(b) = [32]byte{}
			*(*[32]byte)(b[len(b)-32:]) = [32]byte{}
		}
	}
}

// zeroMetadata clears the n bytes of metadata that are in use.
func zeroMetadata(ps []packet.Packet, n int) {
	n = min(n, packet.MetadataSize)
	for _, p := range ps {
		clear(p.Metadata()[:n])
	}
}
