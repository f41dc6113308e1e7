// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/offloads"
)

// What senders leave to hardware, with and without tags, is as on a cable when
// it is received, and when it has been sent again.
func TestOffloads(t *testing.T) {
	for name, large := range map[string]bool{"cut": false, "large": true} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Large = large
			k := stay(t, o)
			offloads.Check(t, k.away, "tap7", k.d, offloads.Options{Large: large, Cannot: func(c offloads.Case) string {
				if !large && strings.Contains(c.Name, "sctp") {
					return "the kernel completes checksums itself here, and does not know a packet socket's SCTP from UDP"
				}
				return ""
			}})
		})
	}
}
