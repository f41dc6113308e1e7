// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// Presence says whether the interface is there.
func (d *netAFPacket) Presence() []presence.State { return d.iface.Presence() }

// Presence says whether the interface is there.
func (d *netAFXDP) Presence() []presence.State { return d.dev.Presence() }

// Presence says whether the interface is there.
func (d *netTap) Presence() []presence.State { return d.dev.Presence() }

// Presence says of every interface whether it is there.
func (d *netPcap) Presence() []presence.State {
	var all []presence.State
	for _, i := range d.ifaces() {
		all = append(all, i.Presence()...)
	}
	return all
}

// Presence says whether the interface is there.
func (d *nic) Presence() []presence.State {
	if p, ok := d.inner.(port.Presencer); ok {
		return p.Presence()
	}
	return nil
}
