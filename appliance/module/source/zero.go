// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package source

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// zeroMetadata clears the n bytes of metadata that are in use.
func zeroMetadata(ps []packet.Packet, n int) {
	n = min(n, packet.MetadataSize)
	for _, p := range ps {
		clear(p.Metadata()[:n])
	}
}
