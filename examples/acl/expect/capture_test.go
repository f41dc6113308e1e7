// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// sign is something the capture must contain at least a number of times.
type sign struct {
	name string
	min  int
	is   func(p gopacket.Packet) bool
}

// layer gets a layer of a packet as its own type, and the zero value if the packet has none.
func layer[T any](p gopacket.Packet, t gopacket.LayerType) (T, bool) {
	l, ok := p.Layer(t).(T)
	return l, ok
}

// payload is what a TCP segment from or to a port carries.
func payload(p gopacket.Packet, from, to layers.TCPPort) []byte {
	tcp, ok := layer[*layers.TCP](p, layers.LayerTypeTCP)
	if !ok || from != 0 && tcp.SrcPort != from || to != 0 && tcp.DstPort != to {
		return nil
	}
	return tcp.Payload
}

func icmp(code uint16) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		l, ok := layer[*layers.ICMPv4](p, layers.LayerTypeICMPv4)
		return ok && uint16(l.TypeCode) == code
	}
}

func icmp6(kind uint8) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		l, ok := layer[*layers.ICMPv6](p, layers.LayerTypeICMPv6)
		return ok && l.TypeCode.Type() == kind
	}
}

func dns(is func(*layers.DNS) bool) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		l, ok := layer[*layers.DNS](p, layers.LayerTypeDNS)
		return ok && is(l)
	}
}

func arpOp(op uint16) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		l, ok := layer[*layers.ARP](p, layers.LayerTypeARP)
		return ok && l.Operation == op
	}
}

func fragment(is func(ip *layers.IPv4) bool) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		ip, ok := layer[*layers.IPv4](p, layers.LayerTypeIPv4)
		return ok && is(ip)
	}
}

func more(ip *layers.IPv4) bool { return ip.Flags&layers.IPv4MoreFragments != 0 }

func v6(p gopacket.Packet) bool { return p.Layer(layers.LayerTypeIPv6) != nil }

// signs lists what was promised, by the words and marks of the protocols themselves.
func signs() []sign {
	again := retransmissions{}
	request := func(p gopacket.Packet) bool { return bytes.HasPrefix(payload(p, 0, 80), []byte("GET /")) }
	answer := func(p gopacket.Packet) bool { return bytes.HasPrefix(payload(p, 80, 0), []byte("HTTP/1.")) }
	return []sign{
		{"HTTP requests", 12, request},
		{"HTTP answers", 12, answer},
		{"HTTP answers of nginx", 5, func(p gopacket.Packet) bool { return bytes.Contains(payload(p, 80, 0), []byte("Server: nginx")) }},
		{"HTTP answers of python", 3, func(p gopacket.Packet) bool { return bytes.Contains(payload(p, 80, 0), []byte("SimpleHTTP")) }},
		{"HTTP requests over IPv6", 1, func(p gopacket.Packet) bool { return v6(p) && request(p) }},
		{"HTTP answers over IPv6", 1, func(p gopacket.Packet) bool { return v6(p) && answer(p) }},
		{"DNS questions", 5, dns(func(d *layers.DNS) bool { return !d.QR && d.QDCount == 1 })},
		{"DNS answers with an address", 4, dns(func(d *layers.DNS) bool { return d.QR && d.ANCount > 0 })},
		{"DNS: no such name", 1, dns(func(d *layers.DNS) bool { return d.QR && d.ResponseCode == layers.DNSResponseCodeNXDomain })},
		{"DNS answers over TCP", 1, func(p gopacket.Packet) bool { return bytes.Contains(payload(p, 53, 0), []byte("a text record")) }},
		{"ping requests", 10, icmp(layers.ICMPv4TypeEchoRequest << 8)},
		{"ping answers", 10, icmp(layers.ICMPv4TypeEchoReply << 8)},
		{"port unreachable", 2, icmp(layers.ICMPv4TypeDestinationUnreachable<<8 | layers.ICMPv4CodePort)},
		{"host unreachable", 1, icmp(layers.ICMPv4TypeDestinationUnreachable<<8 | layers.ICMPv4CodeHost)},
		{"time exceeded", 1, icmp(layers.ICMPv4TypeTimeExceeded << 8)},
		{"TCP segments sent again", 20, again.seen},
		{"TCP resets", 1, func(p gopacket.Packet) bool { l, ok := layer[*layers.TCP](p, layers.LayerTypeTCP); return ok && l.RST }},
		{"helloworld over UDP", 5, func(p gopacket.Packet) bool {
			l, ok := layer[*layers.UDP](p, layers.LayerTypeUDP)
			return ok && string(l.Payload) == "helloworld"
		}},
		{"helloworld over TCP", 2, func(p gopacket.Packet) bool { return string(payload(p, 0, 0)) == "helloworld" }},
		{"ARP questions", 4, arpOp(layers.ARPRequest)},
		{"ARP answers", 4, arpOp(layers.ARPReply)},
		{"IPv6 neighbour solicitations", 2, icmp6(layers.ICMPv6TypeNeighborSolicitation)},
		{"IPv6 neighbour advertisements", 2, icmp6(layers.ICMPv6TypeNeighborAdvertisement)},
		{"IPv6 ping requests", 3, icmp6(layers.ICMPv6TypeEchoRequest)},
		{"IPv6 ping answers", 3, icmp6(layers.ICMPv6TypeEchoReply)},
		{"IPv6 fragments", 6, func(p gopacket.Packet) bool { return p.Layer(layers.LayerTypeIPv6Fragment) != nil }},
		{"first fragments", 4, fragment(func(ip *layers.IPv4) bool { return ip.FragOffset == 0 && more(ip) })},
		{"middle fragments", 4, fragment(func(ip *layers.IPv4) bool { return ip.FragOffset != 0 && more(ip) })},
		{"last fragments", 4, fragment(func(ip *layers.IPv4) bool { return ip.FragOffset != 0 && !more(ip) })},
		{"IPv4 headers with options", 3, fragment(func(ip *layers.IPv4) bool { return ip.IHL > 5 })},
		{"frames of VLAN 7", 10, func(p gopacket.Packet) bool {
			l, ok := layer[*layers.Dot1Q](p, layers.LayerTypeDot1Q)
			return ok && l.VLANIdentifier == 7
		}},
		{"frames of VLAN 7 from 172.12.0.0/16", 5, func(p gopacket.Packet) bool {
			ip, ok := layer[*layers.IPv4](p, layers.LayerTypeIPv4)
			return ok && p.Layer(layers.LayerTypeDot1Q) != nil && ip.SrcIP[0] == 172 && ip.SrcIP[1] == 12
		}},
	}
}

func TestCaptureContainsWhatWasPromised(t *testing.T) {
	list := signs()
	count := make([]int, len(list))
	for i, f := range frames(t, "traffic.pcap") {
		p := dissect(f.data)
		if kindOf(p) == kindOther {
			t.Errorf("packet %d is of no known kind: %v", i+1, p)
		}
		for j, s := range list {
			if s.is(p) {
				count[j]++
			}
		}
	}
	for j, s := range list {
		if count[j] < s.min {
			t.Errorf("%s: %d, want at least %d", s.name, count[j], s.min)
		}
	}
}

func TestEveryHostSpeaksAndIsSpokenTo(t *testing.T) {
	from, to := map[string]int{}, map[string]int{}
	for _, f := range frames(t, "traffic.pcap") {
		if ip, ok := ipv4(f.data); ok {
			from[ip.SrcIP.String()]++
			to[ip.DstIP.String()]++
		}
	}
	for _, host := range []string{
		"172.12.55.99", "172.12.7.1", "172.16.100.1", "192.168.1.123", "10.0.0.1", "12.34.56.78",
	} {
		if from[host] < 10 || to[host] < 10 {
			t.Errorf("%s: %d packets from it, %d to it", host, from[host], to[host])
		}
	}
}

func TestCaptureIsAnOrdinaryFile(t *testing.T) {
	data := read(t, "traffic.pcap")
	if magic := binary.LittleEndian.Uint32(data); magic != 0xa1b2c3d4 {
		t.Errorf("magic %08x, want a classic file with microseconds", magic)
	}
	if snap, link := binary.LittleEndian.Uint32(data[16:]), binary.LittleEndian.Uint32(data[20:]); snap != 65535 || link != 1 {
		t.Errorf("snaplen %d, link type %d", snap, link)
	}
	if len(data) < 300_000 || len(data) > 1_000_000 {
		t.Errorf("%d bytes", len(data))
	}
	list := frames(t, "traffic.pcap")
	if len(list) < 1000 || len(list) > 3000 {
		t.Errorf("%d packets", len(list))
	}
	for i, f := range list {
		limit := 1514
		if binary.BigEndian.Uint16(f.data[12:]) == 0x8100 {
			limit += 4
		}
		if len(f.data) > limit || f.info.Length != len(f.data) {
			t.Errorf("packet %d: %d bytes captured of %d, more than a cable carries or cut", i+1, len(f.data), f.info.Length)
		}
	}
	if d := list[len(list)-1].info.Timestamp.Sub(list[0].info.Timestamp).Seconds(); d < 1 || d > 60 {
		t.Errorf("the capture lasts %.1f s", d)
	}
}

// sum is the Internet checksum without the final complement: 0xffff over data that carries its own.
func sum(parts ...[]byte) uint16 {
	total := uint32(0)
	for _, p := range parts {
		for i, b := range p {
			total += uint32(b) << (8 * (1 - i%2))
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// Frames recorded from a host that leaves checksums to its card carry wrong ones; these must not.
func TestChecksumsAreRight(t *testing.T) {
	checked := map[string]int{}
	for i, f := range frames(t, "traffic.pcap") {
		p := dissect(f.data)
		ip, ok := layer[*layers.IPv4](p, layers.LayerTypeIPv4)
		if !ok {
			continue
		}
		if sum(ip.Contents) != 0xffff {
			t.Errorf("packet %d: wrong checksum of the IPv4 header", i+1)
		}
		var got uint16
		switch pseudo := []byte{0, byte(ip.Protocol), byte(len(ip.Payload) >> 8), byte(len(ip.Payload))}; {
		case more(ip) || ip.FragOffset != 0:
			continue
		case ip.Protocol == layers.IPProtocolICMPv4:
			got = sum(ip.Payload)
		case ip.Protocol == layers.IPProtocolTCP, ip.Protocol == layers.IPProtocolUDP:
			got = sum(ip.SrcIP.To4(), ip.DstIP.To4(), pseudo, ip.Payload)
		default:
			continue
		}
		checked[ip.Protocol.String()]++
		if got != 0xffff {
			t.Errorf("packet %d: wrong %v checksum", i+1, ip.Protocol)
		}
	}
	if checked["TCP"] < 100 || checked["UDP"] < 10 || checked["ICMPv4"] < 10 {
		t.Errorf("checked %v", checked)
	}
}
