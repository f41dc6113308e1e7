// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestNoCloud(t *testing.T) {
	s, findings := DecodeNoCloud(volume(map[string]string{
		"meta-data": "instance-id: i-1\nlocal-hostname: box\n",
		"user-data": "#cloud-config\nusers: [default]\nbess:\n  apiVersion: bess.dev/v1\n  kind: Seed\n  system: {buffers: 4096}\n",
		"network-config": `network:
  version: 2
  ethernets:
    mgmt:
      match: {macaddress: "52:54:00:aa:bb:cc"}
      set-name: mgmt
      addresses: [192.0.2.5/24]
      routes: [{to: default, via: 192.0.2.1}]
      nameservers: {addresses: [192.0.2.53], search: [example.net]}
      optional: true
    eth1: {dhcp4: true}
`}))
	if len(findings) != 1 || findings[0].String() != `user-data:2:1: warning: "users" is ignored (known are bess, fqdn, hostname)` {
		t.Fatal(findings)
	}
	want := []Interface{
		{MAC: []byte{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}, Name: "mgmt", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.5/24")},
			Routes: []Route{{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("192.0.2.1")}}},
		{Kernel: "eth1", DHCP: true},
	}
	if s.InstanceID != "i-1" || s.Hostname != "box" || s.System.Buffers != 4096 || !reflect.DeepEqual(s.Interfaces, want) ||
		!reflect.DeepEqual(s.Nameservers, []netip.Addr{netip.MustParseAddr("192.0.2.53")}) {
		t.Fatalf("%+v", s)
	}
}

func TestNoCloudOfProxmox(t *testing.T) {
	s, findings := DecodeNoCloud(volume(map[string]string{
		"meta-data": "instance-id: 0123abcd\n",
		"user-data": "#cloud-config\nhostname: vm\nmanage_etc_hosts: true\nfqdn: vm.example.net\nchpasswd: {expire: False}\n",
		"network-config": `version: 1
config:
    - type: physical
      name: eth0
      mac_address: 'bc:24:11:00:00:01'
      subnets:
      - type: static
        address: '192.0.2.7'
        netmask: '255.255.255.0'
        gateway: '192.0.2.1'
    - type: physical
      name: eth1
      mac_address: 'bc:24:11:00:00:02'
      subnets:
      - type: dhcp4
    - type: nameserver
      address:
      - '192.0.2.53'
      search:
      - 'example.net'
`}))
	if HasErrors(findings) || len(findings) != 2 {
		t.Fatal(findings)
	}
	if s.Hostname != "vm.example.net" || len(s.Interfaces) != 2 || s.Interfaces[0].Addresses[0].String() != "192.0.2.7/24" ||
		s.Interfaces[0].Routes[0].Via.String() != "192.0.2.1" || !s.Interfaces[1].DHCP || len(s.Nameservers) != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestNoCloudMistakes(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"network-config", "version: 3\n", "network-config:1:10: error: network.version: 3: must be 1..2"},
		{"network-config", "version: 2\nethernets: {eth0: {dhcp4: sure}}\n", `network-config:2:27: error: network.ethernets.eth0.dhcp4: expected true or false, got "sure"`},
		{"network-config", "version: 2\nethernets: {eth0: {adresses: []}}\n", `unknown key "adresses" (did you mean "addresses"?)`},
		{"network-config", "version: 2\nbonds: {}\n", `network-config:2:1: error: network.bonds: unknown key "bonds"`},
		{"network-config", "version: 1\nconfig: [{type: bond}]\n", `network.config[0].type: "bond" is not supported`},
		{"user-data", "#cloud-config\nbess: {kind: Seed}\n", `user-data:2:7: error: apiVersion is "": must be bess.dev/v1`},
		{"user-data", "hello: world\n", `unknown key "hello"`},
		{"meta-data", "local-hostname: -x\n", "not a host name"},
	} {
		_, findings := DecodeNoCloud(volume(map[string]string{c.file: c.text}))
		found := false
		for _, f := range findings {
			found = found || !f.Warning && strings.Contains(f.String(), c.want)
		}
		if !found {
			t.Errorf("%s: %q: %v\nwant %s", c.file, c.text, findings, c.want)
		}
	}
	if _, findings := DecodeNoCloud(volume(nil)); len(findings) != 0 {
		t.Errorf("an empty volume: %v", findings)
	}
}

func FuzzNoCloud(f *testing.F) {
	f.Add("instance-id: i\n", "#cloud-config\nbess: {}\n", "version: 2\nethernets: {e: {dhcp4: true}}\n")
	f.Add("", head, "version: 1\nconfig: [{type: physical, name: e, subnets: [{type: static, address: 1.2.3.4, netmask: 255.0.0.0}]}]\n")
	f.Fuzz(func(_ *testing.T, meta, user, network string) {
		_, findings := DecodeNoCloud(volume(map[string]string{"meta-data": meta, "user-data": user, "network-config": network}))
		for _, x := range findings {
			_ = x.String()
		}
	})
}
