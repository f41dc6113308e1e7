// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Sizes that the kernel gives interfaces, in bytes.
const (
	minMTU  = 68 // RFC 791
	maxMTU  = 65535
	maxName = 15 // IFNAMSIZ without its zero
)

var pciAddress = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`)

func (d *decoder) network(n *yaml.Node, field string) {
	d.record(n, field, keys{
		"interfaces":  func(n *yaml.Node, field string) { d.list(n, field, d.iface) },
		"nameservers": d.nameservers,
	})
}

func (d *decoder) nameservers(n *yaml.Node, field string) {
	d.list(n, field, func(n *yaml.Node, field string) {
		if a, ok := d.addr(n, field); ok {
			d.Nameservers = append(d.Nameservers, a)
		}
	})
}

func (d *decoder) iface(n *yaml.Node, field string) {
	i, before := Interface{}, len(d.findings)
	d.record(n, field, keys{
		"match":     func(n *yaml.Node, field string) { d.match(n, field, &i) },
		"name":      func(n *yaml.Node, field string) { i.Name = d.ifname(n, field) },
		"dhcp":      d.flag(&i.DHCP),
		"addresses": func(n *yaml.Node, field string) { d.addresses(n, field, &i) },
		"gateway": func(n *yaml.Node, field string) {
			if a, ok := d.addr(n, field); ok {
				i.Routes = append(i.Routes, defaultVia(a))
			}
		},
		"routes": func(n *yaml.Node, field string) { d.routes(n, field, &i) },
		"mtu":    d.whole(&i.MTU, minMTU, maxMTU),
	})
	if len(d.findings) == before {
		d.add(n, field, i)
	}
}

// add takes an interface that agrees with itself and with those before.
func (d *decoder) add(n *yaml.Node, field string, i Interface) {
	if i.MAC == nil && i.PCI == "" && i.Kernel == "" {
		d.fail(n, field, "match: {mac: …}, {pci: …} or {name: …}", "says of no interface which one it is")
		return
	}
	for _, o := range d.Interfaces {
		switch {
		case i.Name != "" && i.Name == o.Name:
			d.fail(n, field, "", "another interface is called %s too", i.Name)
			return
		case i.MAC != nil && slices.Equal(i.MAC, o.MAC) || i.PCI != "" && i.PCI == o.PCI || i.Kernel != "" && i.Kernel == o.Kernel:
			d.fail(n, field, "", "another entry is for the same interface")
			return
		}
	}
	d.Interfaces = append(d.Interfaces, i)
}

func (d *decoder) match(n *yaml.Node, field string, i *Interface) {
	count := 0
	one := func(read func(*yaml.Node, string)) func(*yaml.Node, string) {
		return func(n *yaml.Node, field string) {
			if count++; count > 1 {
				d.fail(n, field, "", "give one of mac, pci and name")
				return
			}
			read(n, field)
		}
	}
	d.record(n, field, keys{
		"mac": one(func(n *yaml.Node, field string) { i.MAC = d.mac(n, field) }),
		"pci": one(func(n *yaml.Node, field string) {
			i.PCI = strings.ToLower(d.text(n, field))
			if !pciAddress.MatchString(i.PCI) {
				d.fail(n, field, "", "%s: must be a PCI address like 0000:00:04.0", show(i.PCI))
			}
		}),
		"name": one(func(n *yaml.Node, field string) { i.Kernel = d.ifname(n, field) }),
	})
}

func (d *decoder) mac(n *yaml.Node, field string) net.HardwareAddr {
	text := d.text(n, field)
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 {
		d.fail(n, field, "", "%s: must be an Ethernet address like 52:54:00:12:34:56", show(text))
		return nil
	}
	return mac
}

// ifname reads what the kernel takes as the name of an interface.
func (d *decoder) ifname(n *yaml.Node, field string) string {
	name := d.text(n, field)
	if name == "" || name == "." || name == ".." || name == "lo" || len(name) > maxName || strings.ContainsAny(name, "/: \t\r\n%") {
		d.fail(n, field, "", "%s: not a name for an interface: 1..%d characters, no blank, colon, slash or percent", show(name), maxName)
		return ""
	}
	return name
}

func (d *decoder) addresses(n *yaml.Node, field string, i *Interface) {
	d.list(n, field, func(n *yaml.Node, field string) {
		text := d.text(n, field)
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() {
			d.fail(n, field, "", "%s: must be an address with prefix length like 192.0.2.2/24", show(text))
			return
		}
		i.Addresses = append(i.Addresses, p)
	})
}

func (d *decoder) routes(n *yaml.Node, field string, i *Interface) {
	d.list(n, field, func(n *yaml.Node, field string) {
		var to string
		var via netip.Addr
		ok := false
		d.record(n, field, keys{
			"to":  d.texter(&to),
			"via": func(n *yaml.Node, field string) { via, ok = d.addr(n, field) },
		})
		if !ok {
			if via == (netip.Addr{}) {
				d.fail(n, field, "", "via is missing or no address")
			}
			return
		}
		if to == "default" || to == "0.0.0.0/0" || to == "::/0" {
			i.Routes = append(i.Routes, defaultVia(via))
			return
		}
		p, err := netip.ParsePrefix(to)
		if err != nil || p.Addr().Is4() != via.Is4() {
			d.fail(n, field, "", `%s: must be a network like 198.51.100.0/24 or "default", of the same family as via`, show(to))
			return
		}
		i.Routes = append(i.Routes, Route{p.Masked(), via})
	})
}

func (d *decoder) addr(n *yaml.Node, field string) (netip.Addr, bool) {
	text := d.text(n, field)
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		d.fail(n, field, "", "%s: must be an IP address", show(text))
		return netip.Addr{}, false
	}
	return a, true
}

func defaultVia(a netip.Addr) Route {
	if a.Is4() {
		return Route{netip.PrefixFrom(netip.IPv4Unspecified(), 0), a}
	}
	return Route{netip.PrefixFrom(netip.IPv6Unspecified(), 0), a}
}
