// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"slices"
	"testing"
)

func TestVLAN(t *testing.T) {
	pair(t, "vlan", "switch", []string{"ten-a", "ten-b", "twenty-a", "twenty-b", "cable"}, func(s site) {
		for _, k := range []struct {
			from, to, address, filter string
			id                        byte
		}{
			{"ten-a", "ten-b", "10.10.0.2", "icmp", 10},
			{"twenty-b", "twenty-a", "fd00:20::1", "icmp6[0] == 128 or icmp6[0] == 129", 20},
		} {
			s.Reach(k.from, k.address)
			near, far := s.Capture(k.from, "eth0", k.filter), s.Capture(k.to, "eth0", k.filter)
			trunk := s.Capture("cable", "switch-a", "vlan")
			s.ping(k.from, k.address)
			frames := near.Packets(2 * pings)
			same(t, "at "+k.to, far.Packets(2*pings), frames)
			var tagged, want [][]byte
			for _, f := range frames {
				want = append(want, slices.Concat(f[:12], []byte{0x81, 0, 0, k.id}, f[12:]))
			}
			for _, f := range trunk.Packets(2 * pings) {
				if len(f) > 1000 { // what else the hosts said is shorter
					tagged = append(tagged, f)
				}
			}
			same(t, "on the trunk", tagged, want)
		}
		s.Network.Must("twenty-b", "ip", "addr", "add", "10.10.0.9/24", "dev", "eth0")
		if _, err := s.Network.Run("ten-a", "ping", "-c", "1", "-W", "1", "10.10.0.9"); err == nil {
			t.Error("a packet changed its VLAN")
		}
		s.download("ten-a", "10.10.0.1", "ten-b")
		s.download("twenty-b", "[fd00:20::2]", "twenty-a")
		s.transfer("ten-a", "ten-b", "fd00:10::2")
		s.transfer("twenty-b", "twenty-a", "10.20.0.1")
	})
}
