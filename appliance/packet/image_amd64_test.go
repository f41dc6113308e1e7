// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// stamps are the implementations that work on this processor.
func stamps() map[string]func([]Packet, []Image, int) (int, int) {
	m := map[string]func([]Packet, []Image, int) (int, int){"chosen": chosen, "portable": both(stampPortable, stampTailsPortable)}
	if avx2 {
		m["avx2"] = both(stampAVX2, stampTailsPortable)
	}
	if avx512 {
		m["avx512"] = both(stampAVX512, stampTailsAVX512)
	}
	return m
}
