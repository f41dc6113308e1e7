// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// Interfaces are found by the slot that they are plugged into, in another order
// than the kernel counts them. One has an address that no server gives, and
// one, on another network, the address of a lease: the box answers at both.
func TestNetwork(t *testing.T) {
	i, b := image(t), newBox(t)
	seed := writeSeed(t, seedHead+`hostname: edge-4
network:
  interfaces:
    - {match: {pci: "0000:00:13.0"}, name: mgmt, addresses: [10.0.2.77/24], gateway: 10.0.2.2}
    - {match: {pci: "0000:00:12.0"}, name: left}
    - {match: {pci: "0000:00:11.0"}, name: right}
    - {match: {pci: "0000:00:10.0"}, name: lent, dhcp: true}
`+b.tls()+"declaration:\n"+indent(pipeline))
	left, right := b.left.nic(leftMAC), b.right.nic(rightMAC)
	left.PCI, right.PCI = "12", "11"
	b.m, b.ctx = start(t, i.Direct(vm.Config{Disks: []vm.Disk{seed}, NICs: []vm.NIC{
		left, {MAC: "52:54:00:00:00:02", PCI: "10", Net: "10.0.3.0/24"}, right, {MAC: mgmtMAC, PCI: "13", Guest: "10.0.2.77"},
	}}))
	b.conn = b.dial(b.ctx, b.m)
	b.wait(b.ctx, b.connect(b.m.APIs[0], b.identity(pki.Client{Name: "rob", Role: pki.Reader})))
	shows(t, b.m, `init: lent: 10\.0\.3\.15/24 for `)

	at := map[string]string{}
	for _, n := range b.getFacts(false).GetInterfaces() {
		at[n.GetName()] = n.GetBusAddress() + " " + n.GetMac()
	}
	for name, want := range map[string]string{
		"mgmt": "0000:00:13.0 " + mgmtMAC, "left": "0000:00:12.0 " + leftMAC,
		"right": "0000:00:11.0 " + rightMAC, "lent": "0000:00:10.0 52:54:00:00:00:02",
	} {
		if at[name] != want {
			t.Errorf("%s is %q, want %q", name, at[name], want)
		}
	}
	unwell(b.ctx, t, b.conn, map[string]string{"image.data": "no disk has a partition named DATA"}) // there is no disk
	b.traffic()
}
