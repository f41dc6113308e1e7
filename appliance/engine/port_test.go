// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/null"
)

// Settings that nothing can have are refused by a name, and change nothing.
func TestSettingsOfAPort(t *testing.T) {
	e, err := engine.New(engine.Options{Buffers: 4096, Drivers: []*port.Driver{null.Driver}})
	must(t, err)
	t.Cleanup(e.Close)
	p, err := e.CreatePort(engine.PortSpec{Name: "p", Driver: "NullPort"})
	must(t, err)
	const keep = "00:00:00:00:00:00"
	must(t, e.SetPortConf("p", "02:00:00:00:00:01", 68, true))
	must(t, e.SetPortConf("p", keep, 65535, true))
	for _, c := range []struct {
		mac  string
		mtu  uint32
		text string
	}{
		{keep, 67, "port p: mtu should be >= 68 and <= 65535: mtu 67"},
		{keep, 65536, "port p: mtu should be >= 68 and <= 65535: mtu 65536"},
		{"01:00:5e:00:00:01", 1400, "port p: mac_addr: 01:00:5e:00:00:01: must be the address of one station"},
		{"ff:ff:ff:ff:ff:ff", 1400, "port p: mac_addr: ff:ff:ff:ff:ff:ff: must be the address of one station"},
		{"x", 1400, `MAC address should be formatted xx:xx:xx:xx:xx:xx: port p: mac_addr: "x"`},
	} {
		if err := e.SetPortConf("p", c.mac, c.mtu, false); errno.Code(err) != errno.EINVAL || err.Error() != c.text {
			t.Errorf("%s, %d: %v, want %s", c.mac, c.mtu, err, c.text)
		}
	}
	if c := p.Config(); c.MTU != 65535 || c.MAC.String() != "02:00:00:00:00:01" || !p.Up() {
		t.Errorf("%+v, up: %t", c, p.Up())
	}
}
