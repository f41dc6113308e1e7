// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

// stamps are the implementations that work on this processor.
func stamps() map[string]func([]Packet, []Image, int) (int, int) {
	return map[string]func([]Packet, []Image, int) (int, int){"chosen": chosen, "portable": both(stampPortable, stampTailsPortable)}
}
