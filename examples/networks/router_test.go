// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func TestRouter(t *testing.T) {
	each(t, "router", []string{"left", "right"}, func(s site) {
		s.Reach("left", "10.2.0.1")
		left, right := s.Capture("left", "eth0", "icmp"), s.Capture("right", "eth0", "icmp")
		s.ping("left", "10.2.0.1")
		atLeft, atRight := left.Packets(2*pings), right.Packets(2*pings)
		hop := func(frames [][]byte, src, dst net.HardwareAddr) (list [][]byte) {
			for _, f := range frames {
				list = append(list, edit(t, f, func(e *layers.Ethernet, ip *layers.IPv4, _ gopacket.Packet) {
					e.SrcMAC, e.DstMAC = src, dst
					ip.TTL--
				}))
			}
			return list
		}
		host1, port1, host2, port2 := mac(1, 1), mac(1, 0xfe), mac(2, 1), mac(2, 0xfe)
		same(t, "routed to the right", toward(atRight, host2), hop(toward(atLeft, port1), port2, host2))
		same(t, "routed to the left", toward(atLeft, host1), hop(toward(atRight, port2), port1, host1))
		if _, err := s.Network.Run("left", "ping", "-c", "1", "-W", "1", "-t", "1", "10.2.0.1"); err == nil {
			t.Error("a packet came farther than its time to live allows")
		}
		s.download("right", "10.2.0.1", "left")
		s.download("left", "10.1.0.1", "right")
		s.transfer("left", "right", "10.2.0.1")
		s.transfer("right", "left", "10.1.0.1")
	})
}
