// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"net"
	"testing"

	"github.com/google/gopacket/layers"
)

func TestVXLAN(t *testing.T) {
	pair(t, "vxlan", "site", []string{"site-a", "site-b", "provider"}, checkTunnel)
}

func checkTunnel(s site) {
	t := s.t
	s.Reach("site-a", "10.9.0.2")
	s.Reach("site-b", "fd00:9::1")
	near, far := s.Capture("site-a", "eth0", "icmp"), s.Capture("site-b", "eth0", "icmp")
	between := s.Capture("provider", "switch", "udp port 4789")
	s.ping("site-a", "10.9.0.2")
	frames := near.Packets(2 * pings)
	same(t, "at site b", far.Packets(2*pings), frames)
	var inner [][]byte
	for _, f := range between.Packets(2 * pings) {
		if in := unwrap(t, f); len(in) > 1000 { // what else the hosts said is shorter
			inner = append(inner, in)
		}
	}
	same(t, "in the tunnel", inner, frames)
	s.download("site-a", "10.9.0.1", "site-b")
	s.download("site-b", "[fd00:9::2]", "site-a")
	s.transfer("site-a", "site-b", "10.9.0.2")
	s.transfer("site-b", "site-a", "fd00:9::1")
}

// unwrap checks what is around a frame in the tunnel and returns the frame.
func unwrap(t *testing.T, f []byte) []byte {
	t.Helper()
	p := parse(f)
	eth := p.LinkLayer().(*layers.Ethernet)
	ip, ok := p.NetworkLayer().(*layers.IPv4)
	vxlan, ok2 := p.Layer(layers.LayerTypeVXLAN).(*layers.VXLAN)
	if !ok || !ok2 {
		t.Fatalf("not VXLAN: %x", f)
	}
	here, there := net.IP{198, 51, 100, 1}, net.IP{198, 51, 100, 2}
	src, dst := mac(0xff, 1), mac(0xff, 2)
	if ip.SrcIP.Equal(there) {
		here, there, src, dst = there, here, dst, src
	}
	if !ip.SrcIP.Equal(here) || !ip.DstIP.Equal(there) || ip.TTL != 64 || int(ip.Length) != len(f)-14 ||
		eth.SrcMAC.String() != src.String() || eth.DstMAC.String() != dst.String() {
		t.Errorf("outside: %s > %s, %s > %s, time to live %d", eth.SrcMAC, eth.DstMAC, ip.SrcIP, ip.DstIP, ip.TTL)
	}
	if vxlan.VNI != 5000 || !vxlan.ValidIDFlag {
		t.Errorf("network %d", vxlan.VNI)
	}
	return vxlan.Payload
}
