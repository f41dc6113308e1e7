// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/offloads"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// What senders leave to hardware, with and without tags, is as on a cable when
// it is received, and when it has been sent again.
func TestOffloads(t *testing.T) {
	for name, o := range map[string]pktio.InterfaceOptions{
		"frames": {}, "blocks": {Blocks: true}, "bypass": {Bypass: true}, "large": {Large: true}, "large blocks": {Large: true, Blocks: true},
	} {
		t.Run(name, func(t *testing.T) {
			ns := testenv.Netns(t)
			ns.Veth("near", "far")
			o.Receive, o.Send, o.Frames = true, true, 256
			var i *pktio.Interface
			ns.Do(func() (err error) { i, err = pktio.OpenInterface("near", o); return err })
			defer i.Close()
			offloads.Check(t, ns, "far", i, offloads.Options{Large: o.Large})
			if n := i.Dropped(); n != 0 {
				t.Errorf("%d dropped", n)
			}
		})
	}
}
