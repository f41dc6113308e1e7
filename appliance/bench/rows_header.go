// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"slices"
)

func headerRows() []Row {
	return []Row{
		{Name: "vlan", Title: "VLANPush; VLANPop", build: vlan},
		{Name: "ipchecksum", Title: "IPChecksum", build: ipChecksum},
		{Name: "l4checksum-60", Title: "L4Checksum, 60 B", build: func(p *pipeline) { l4Checksum(p, minFrame) }},
		{Name: "l4checksum-1500", Title: "L4Checksum, 1500 B", build: func(p *pipeline) { l4Checksum(p, 1500) }},
		{Name: "update", Title: "Update, one field", build: update},
		{Name: "updatettl", Title: "UpdateTTL", build: updateTTL},
		{Name: "macswap", Title: "MACSwap", build: macSwap},
		{Name: "vxlan", Title: "VXLANEncap, IPEncap, EtherEncap; VXLANDecap", build: vxlan},
		{Name: "genericencap", Title: "GenericEncap, 14 B; GenericDecap", build: genericEncap},
	}
}

func vlan(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("push", "VLANPush", map[string]any{"tci": 7})
	p.add("pop", "VLANPop", nil)
	p.sink(1, equal(f))
	p.exits = append(p.exits, exit{module: "push", check: equal(slices.Concat(f[:12], []byte{0x81, 0, 0, 7}, f[12:]))})
}

func ipChecksum(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	broken := bytes.Clone(f)
	broken[24] ^= 0x5a
	p.source(broken)
	p.add("sum", "IPChecksum", nil)
	p.sink(1, equal(f))
}

func l4Checksum(p *pipeline, size int) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", size)
	for i := 42; i < len(f); i++ {
		f[i] = byte(i)
	}
	broken := bytes.Clone(f)
	p.source(broken)
	p.add("sum", "L4Checksum", nil)
	p.sink(1, l4)
}

func update(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("up", "Update", map[string]any{"fields": []any{map[string]any{"offset": offDstIP, "size": 4, "value": 0x0a000002}}})
	p.sink(1, equal(slices.Concat(f[:offDstIP], []byte{10, 0, 0, 2}, f[offDstIP+4:])))
}

func updateTTL(p *pipeline) {
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	p.add("ttl", "UpdateTTL", nil)
	p.sink(1, func(pkt []byte) error {
		h, err := ip4(pkt)
		if err == nil && h[8] != 63 {
			err = fmt.Errorf("packet % x: TTL is %d, want 63", pkt, h[8])
		}
		return err
	})
}

func macSwap(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("swap", "MACSwap", nil)
	p.sink(1, equal(slices.Concat(f[6:12], f[:6], f[12:])))
}

func vxlan(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	attr := func(name string, size int, v uint64) map[string]any {
		return map[string]any{"name": name, "size": size, "value_int": v}
	}
	p.add("meta", "SetMetadata", map[string]any{"attrs": []any{
		attr("tun_ip_src", 4, 0xc0a80001), attr("tun_ip_dst", 4, 0xc0a80002), attr("tun_id", 4, 77),
		attr("ether_src", 6, 0x021e679f4dae), attr("ether_dst", 6, 0x06163e1b7232)}})
	p.add("vx", "VXLANEncap", nil)
	p.add("ip", "IPEncap", nil)
	p.add("eth", "EtherEncap", nil)
	p.add("dec", "VXLANDecap", nil)
	p.sink(1, equal(f))
	p.exits = append(p.exits, exit{module: "eth", check: func(pkt []byte) error {
		if _, err := ip4(pkt); err != nil {
			return err
		}
		if len(pkt) != len(f)+50 || !bytes.Equal(pkt[50:], f) {
			return fmt.Errorf("packet % x: does not end in the frame that was encapsulated", pkt)
		}
		return nil
	}})
}

func genericEncap(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	field := func(size int, v uint64) map[string]any {
		return map[string]any{"size": size, "value": map[string]any{"value_int": v}}
	}
	p.add("enc", "GenericEncap", map[string]any{"fields": []any{field(6, 0x010203040506), field(6, 0x0708090a0b0c), field(2, 0x0d0e)}})
	p.add("dec", "GenericDecap", map[string]any{"bytes": 14})
	p.sink(1, equal(f))
	p.exits = append(p.exits, exit{module: "enc", check: equal(slices.Concat([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, f))})
}
