// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package networks

import "testing"

func TestSwitch(t *testing.T) {
	each(t, "switch", []string{"red", "green", "blue"}, func(s site) {
		s.Reach("red", "10.1.0.2")
		s.Reach("blue", "fd00:1::1")
		for _, k := range []struct{ from, to, address, filter string }{
			{"red", "green", "10.1.0.2", "icmp"}, {"green", "blue", "fd00:1::3", "icmp6[0] == 128 or icmp6[0] == 129"},
		} {
			s.Reach(k.from, k.address)
			near, far := s.Capture(k.from, "eth0", k.filter), s.Capture(k.to, "eth0", k.filter)
			third := map[string]string{"green": "blue", "blue": "red"}[k.to]
			other := s.Capture(third, "eth0", k.filter)
			s.ping(k.from, k.address)
			sent := near.Packets(2 * pings)
			same(t, "at "+k.to, far.Packets(2*pings), sent)
			same(t, "at "+third, other.Packets(0), nil)
		}
		s.download("red", "10.1.0.1", "green")
		s.download("green", "[fd00:1::2]", "blue")
		s.transfer("blue", "red", "10.1.0.1")
		s.transfer("red", "blue", "fd00:1::3")
	})
}
