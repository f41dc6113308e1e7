// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/offloads"
)

// What senders leave to hardware, with and without tags, is as on a cable when
// it is received, and when it has been sent again. In generic mode nobody tells
// datagrams that came in one piece apart any more: they are dropped.
func TestOffloads(t *testing.T) {
	for name, o := range map[string]Options{
		"native": {Mode: Native}, "generic": {Mode: Generic}, "small frames": {Mode: Native, FrameSize: 2048}, "small generic": {Mode: Generic, FrameSize: 2048},
	} {
		t.Run(name, func(t *testing.T) {
			k := connect(t, o)
			offloads.Check(t, k.ns, "far", k.near, offloads.Options{
				Drops:   func(c offloads.Case) bool { return o.Mode == Generic && c.Datagrams },
				Dropped: func() uint64 { in, _ := k.near.Dropped(); return in },
			})
		})
	}
}
