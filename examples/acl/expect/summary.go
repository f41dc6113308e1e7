// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// What a frame is. Every frame is of exactly one kind; kinds lists them in the order of the table.
const (
	kindARP      = "ARP"
	kindVLAN     = "VLAN 7 (802.1Q), whatever is inside"
	kindFragment = "IPv4 fragments"
	kindHTTP     = "IPv4 TCP port 80: HTTP"
	kindTCPDNS   = "IPv4 TCP port 53: DNS"
	kindIperf    = "IPv4 TCP port 5201: iperf3 upload"
	kindTCP      = "IPv4 TCP, other"
	kindDNS      = "IPv4 UDP port 53: DNS"
	kindUDP      = "IPv4 UDP, other"
	kindICMP     = "IPv4 ICMP"
	kindIGMP     = "IPv4 IGMP"
	kindHTTP6    = "IPv6 TCP port 80: HTTP"
	kindDNS6     = "IPv6 UDP port 53: DNS"
	kindEcho6    = "IPv6 ICMP echo"
	kindND       = "IPv6 neighbour and router discovery"
	kindMLD      = "IPv6 multicast listener reports"
	kindFrag6    = "IPv6 fragments"
	kindOther    = "other"
)

var kinds = []string{
	kindHTTP, kindTCPDNS, kindIperf, kindTCP, kindDNS, kindUDP, kindICMP, kindIGMP, kindFragment, kindARP,
	kindVLAN, kindHTTP6, kindDNS6, kindEcho6, kindND, kindMLD, kindFrag6, kindOther,
}

// dissect decodes a frame as far as gopacket can.
func dissect(data []byte) gopacket.Packet {
	return gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.NoCopy)
}

// kindOf names the kind of a frame.
func kindOf(p gopacket.Packet) string {
	has := func(t gopacket.LayerType) bool { return p.Layer(t) != nil }
	switch {
	case has(layers.LayerTypeDot1Q):
		return kindVLAN
	case has(layers.LayerTypeARP):
		return kindARP
	case has(layers.LayerTypeIPv6):
		return kindOf6(p, has)
	case !has(layers.LayerTypeIPv4):
		return kindOther
	case has(gopacket.LayerTypeFragment):
		return kindFragment
	case has(layers.LayerTypeICMPv4):
		return kindICMP
	case has(layers.LayerTypeIGMP):
		return kindIGMP
	case has(layers.LayerTypeUDP):
		return byPort(p, map[uint16]string{53: kindDNS}, kindUDP)
	case has(layers.LayerTypeTCP):
		return byPort(p, map[uint16]string{53: kindTCPDNS, 80: kindHTTP, 5201: kindIperf}, kindTCP)
	}
	return kindOther
}

func kindOf6(p gopacket.Packet, has func(gopacket.LayerType) bool) string {
	switch {
	case has(layers.LayerTypeIPv6Fragment):
		return kindFrag6
	case has(layers.LayerTypeICMPv6Echo):
		return kindEcho6
	case has(layers.LayerTypeMLDv2MulticastListenerReport):
		return kindMLD
	case has(layers.LayerTypeICMPv6):
		return kindND
	case has(layers.LayerTypeUDP):
		return byPort(p, map[uint16]string{53: kindDNS6}, kindOther)
	case has(layers.LayerTypeTCP):
		return byPort(p, map[uint16]string{80: kindHTTP6}, kindOther)
	}
	return kindOther
}

// byPort names a frame by its port at the server, which is the one that has a name.
func byPort(p gopacket.Packet, names map[uint16]string, other string) string {
	var src, dst uint16
	switch l4 := p.TransportLayer().(type) {
	case *layers.TCP:
		src, dst = uint16(l4.SrcPort), uint16(l4.DstPort)
	case *layers.UDP:
		src, dst = uint16(l4.SrcPort), uint16(l4.DstPort)
	}
	if name, ok := names[dst]; ok {
		return name
	}
	if name, ok := names[src]; ok {
		return name
	}
	return other
}

// retransmissions finds TCP segments that were sent before: the link the capture was taken on keeps
// the order, so bytes that lie behind the last ones of their direction are there a second time.
type retransmissions map[[2]gopacket.Flow]uint32

func (r retransmissions) seen(p gopacket.Packet) bool {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok || len(tcp.Payload) == 0 {
		return false
	}
	flow := [2]gopacket.Flow{p.NetworkLayer().NetworkFlow(), tcp.TransportFlow()}
	end := tcp.Seq + uint32(len(tcp.Payload))
	last, known := r[flow]
	if known && int32(end-last) <= 0 {
		return true
	}
	r[flow] = end
	return false
}

// summary counts the kinds of the frames, in Markdown.
func summary(frames []frame) string {
	packets, size := map[string]int{}, map[string]int{}
	again, all := 0, 0
	r := retransmissions{}
	for _, f := range frames {
		p := dissect(f.data)
		k := kindOf(p)
		packets[k]++
		size[k] += len(f.data)
		all += len(f.data)
		if r.seen(p) {
			again++
		}
	}
	var b bytes.Buffer
	b.WriteString("| Frames | Packets | Bytes |\n|---|--:|--:|\n")
	for _, k := range kinds {
		if packets[k] > 0 {
			fmt.Fprintf(&b, "| %s | %d | %d |\n", k, packets[k], size[k])
		}
	}
	fmt.Fprintf(&b, "| **all** | **%d** | **%d** |\n", len(frames), all)
	fmt.Fprintf(&b, "| of these, TCP segments sent again | %d | |\n", again)
	return strings.TrimSpace(b.String()) + "\n"
}
