// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package port

import "github.com/bessform/terraform-provider-bess/appliance/sys/presence"

// Presencer is an optional interface of a Device that drives interfaces of the
// host: it tells of each, always in the same order, whether it is there. The
// answer is at hand: nothing is waited for.
type Presencer interface{ Presence() []presence.State }

// Presence returns the states of the interfaces that the port drives, none for
// a port without.
func (p *Port) Presence() []presence.State {
	if d, ok := p.Device.(Presencer); ok {
		return d.Presence()
	}
	return nil
}
