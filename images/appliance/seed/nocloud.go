// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// DecodeNoCloud reads a volume labelled CIDATA (cloud-init documentation,
// data source NoCloud): meta-data (instance-id, local-hostname), user-data and
// network-config (version 2 and the physical interfaces of version 1).
//
// user-data is a seed.yaml, or a #cloud-config of which hostname, fqdn and
// bess are read; bess holds a seed. What a #cloud-config says beyond that is
// for other systems, and is warned about. A seed's own network goes before
// network-config.
func DecodeNoCloud(files Files) (*Seed, []Finding) {
	d := newDecoder("meta-data", files)
	meta := d.optional("meta-data")
	var all []Finding
	d.lenient = true
	if root := d.parse(meta); root != nil {
		d.record(root, "", keys{"instance-id": d.instance, "local-hostname": d.hostname, "hostname": d.hostname})
	}
	all = append(all, d.sorted()...)

	user := d.optional("user-data")
	d.reader = &reader{file: "user-data"}
	d.userData(user)
	all = append(all, d.sorted()...)

	network := d.optional("network-config")
	d.reader = &reader{file: "network-config"}
	if len(d.Interfaces) == 0 {
		if root := d.parse(network); root != nil {
			d.networkConfig(root)
		}
	}
	all = append(all, d.sorted()...)
	d.Digest = digest(meta, user, network, d.Declaration)
	return d.Seed, all
}

// optional reads a file that need not be there.
func (d *decoder) optional(name string) []byte {
	text, err := d.files(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.fail(&yaml.Node{}, "", "", "%s: %v", name, err)
	}
	return text
}

func (d *decoder) userData(text []byte) {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	root := d.parse(text)
	switch {
	case root == nil:
	case strings.TrimSpace(string(first)) != "#cloud-config":
		d.document(root)
	default:
		d.lenient = true
		d.record(root, "", keys{
			"hostname": d.hostname,
			"fqdn":     d.hostname,
			"bess": func(n *yaml.Node, _ string) {
				d.lenient = false
				d.document(n)
				d.lenient = true
			},
		})
	}
}

func (d *decoder) networkConfig(root *yaml.Node) {
	if root.Kind == yaml.MappingNode && len(root.Content) == 2 && root.Content[0].Value == "network" {
		root = root.Content[1]
	}
	version := 0
	var ethernets, config *yaml.Node
	d.record(root, "network", keys{
		"version":   d.whole(&version, 1, 2),
		"renderer":  func(*yaml.Node, string) {},
		"ethernets": func(n *yaml.Node, _ string) { ethernets = n },
		"config":    func(n *yaml.Node, _ string) { config = n },
	})
	switch {
	case version == 2 && ethernets != nil:
		d.each(ethernets, "network.ethernets", d.ethernet)
	case version == 1 && config != nil:
		d.list(config, "network.config", d.physical)
	case version == 0:
		d.fail(root, "network.version", "", "must be 1 or 2")
	}
}

// ignore adds keys whose values change nothing here.
func ignore(k keys, names ...string) keys {
	for _, n := range names {
		k[n] = func(*yaml.Node, string) {}
	}
	return k
}

// ethernet reads one entry of version 2 (netplan's reference, ethernets).
func (d *decoder) ethernet(k, v *yaml.Node) {
	field := "network.ethernets." + k.Value
	i := Interface{}
	gateway := func(n *yaml.Node, field string) {
		if a, ok := d.addr(n, field); ok {
			i.Routes = append(i.Routes, defaultVia(a))
		}
	}
	var dhcp6 bool
	d.record(v, field, ignore(keys{
		"match": func(n *yaml.Node, field string) {
			d.record(n, field, ignore(keys{
				"macaddress": func(n *yaml.Node, field string) { i.MAC = d.mac(n, field) },
				"name":       func(n *yaml.Node, field string) { i.Kernel = d.ifname(n, field) },
			}, "driver"))
		},
		"set-name":  func(n *yaml.Node, field string) { i.Name = d.ifname(n, field) },
		"dhcp4":     d.flag(&i.DHCP),
		"dhcp6":     d.flag(&dhcp6),
		"addresses": func(n *yaml.Node, field string) { d.addresses(n, field, &i) },
		"gateway4":  gateway,
		"gateway6":  gateway,
		"routes":    func(n *yaml.Node, field string) { d.routes(n, field, &i) },
		"mtu":       d.whole(&i.MTU, minMTU, maxMTU),
		"nameservers": func(n *yaml.Node, field string) {
			d.record(n, field, ignore(keys{"addresses": d.nameservers}, "search"))
		},
	}, "optional", "accept-ra", "dhcp4-overrides", "dhcp6-overrides", "wakeonlan", "dhcp-identifier", "link-local"))
	if dhcp6 {
		d.fail(v, field+".dhcp6", "", "DHCPv6 is not supported: router advertisements are used")
		d.findings[len(d.findings)-1].Warning = true
	}
	if i.MAC != nil {
		i.Kernel = ""
	} else if i.Kernel == "" {
		i.Kernel = k.Value
	}
	d.add(v, field, i)
}

// physical reads one entry of version 1, as Proxmox writes it.
func (d *decoder) physical(n *yaml.Node, field string) {
	i := Interface{}
	var kind, name string
	var addresses, subnets *yaml.Node
	d.record(n, field, ignore(keys{
		"type":        d.texter(&kind),
		"name":        d.texter(&name),
		"mac_address": func(n *yaml.Node, field string) { i.MAC = d.mac(n, field) },
		"mtu":         d.whole(&i.MTU, minMTU, maxMTU),
		"subnets":     func(n *yaml.Node, _ string) { subnets = n },
		"address":     func(n *yaml.Node, _ string) { addresses = n },
	}, "search", "interface"))
	switch kind {
	case "physical":
		if subnets != nil {
			d.list(subnets, field+".subnets", func(n *yaml.Node, field string) { d.subnet(n, field, &i) })
		}
		if i.MAC == nil {
			i.Kernel = name
		} else {
			i.Name = name
		}
		d.add(n, field, i)
	case "nameserver":
		if addresses != nil && addresses.Kind == yaml.ScalarNode {
			if a, ok := d.addr(addresses, field); ok {
				d.Nameservers = append(d.Nameservers, a)
			}
		} else if addresses != nil {
			d.nameservers(addresses, field+".address")
		}
	default:
		d.fail(n, field+".type", "known are nameserver, physical", "%s is not supported", show(kind))
	}
}

func (d *decoder) subnet(n *yaml.Node, field string, i *Interface) {
	var kind, address, netmask, gateway string
	d.record(n, field, ignore(keys{"type": d.texter(&kind), "address": d.texter(&address), "netmask": d.texter(&netmask),
		"gateway": d.texter(&gateway)}, "dns_nameservers", "dns_search", "ipv4", "control"))
	switch kind {
	case "dhcp", "dhcp4":
		i.DHCP = true
	case "static", "static6":
		if !strings.Contains(address, "/") && netmask != "" {
			address += prefixLength(netmask)
		}
		d.addresses(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: address, Line: n.Line, Column: n.Column}}}, field+".address", i)
		if gateway != "" {
			at := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: gateway, Line: n.Line, Column: n.Column}
			if a, ok := d.addr(at, field+".gateway"); ok {
				i.Routes = append(i.Routes, defaultVia(a))
			}
		}
	case "manual", "dhcp6", "ipv6_slaac", "ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless":
	default:
		d.fail(n, field+".type", "known are dhcp, static, manual", "%s is not supported", show(kind))
	}
}

// prefixLength converts 255.255.255.0 to "/24"; "" if it is no netmask.
func prefixLength(mask string) string {
	ip := net.ParseIP(mask).To4()
	if ip == nil {
		return ""
	}
	ones, bits := net.IPMask(ip).Size()
	if bits == 0 {
		return ""
	}
	return "/" + strconv.Itoa(ones)
}
