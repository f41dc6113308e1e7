// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Ports of the tunnels over UDP (RFC 7348, 3GPP TS 29.281).
const (
	portVXLAN = 4789
	portGTPU  = 2152
)

// ports reads both ports. Without a default they are required.
func (r *reader) ports(def uint64) (src, dst uint16) {
	read := func(names ...string) uint16 {
		if def == 0 {
			return uint16(r.need(0xffff, "port", names...))
		}
		return uint16(r.number(def, 0xffff, "port", names...))
	}
	return read("src", "sport"), read("dst", "dport")
}

// checksum reads a checksum given by hand. Without one a layer whose checksum
// covers the pseudo header needs IP below it.
func (r *reader) checksum(pseudo bool) (sum uint16, given bool) {
	v, given := r.maybe(0xffff, "checksum", "checksum")
	if pseudo && !given && r.b.net == nil && !r.bad {
		r.b.missing(r.path, "needs an ip or ipv6 layer before it to compute the checksum, or a checksum of its own")
	}
	return uint16(v), given
}

func buildUDP(r *reader, next *item) gopacket.SerializableLayer {
	def := uint64(0)
	if next != nil {
		def = map[string]uint64{"vxlan": portVXLAN, "gtpu": portGTPU}[next.name]
	}
	src, dst := r.ports(def)
	sum, keepSum := r.checksum(true)
	length, keepLen := r.maybe(0xffff, "length", "length")
	udp := &layers.UDP{
		SrcPort: layers.UDPPort(src), DstPort: layers.UDPPort(dst),
		Length: uint16(length), Checksum: sum,
	}
	o := override{SerializableLayer: udp, keepLen: keepLen, keepSum: keepSum}
	if !keepSum {
		r.pseudo(udp)
		o.patch = zeroMeansNone
	}
	return o
}

// zeroMeansNone keeps a computed UDP checksum of 0 apart from "no checksum"
// (RFC 768), which gopacket does not.
func zeroMeansNone(hdr []byte) {
	if binary.BigEndian.Uint16(hdr[6:]) == 0 {
		binary.BigEndian.PutUint16(hdr[6:], 0xffff)
	}
}

// pseudo names the network layer a checksum covers.
func (r *reader) pseudo(l interface {
	SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
}) {
	if r.b.net == nil {
		return // reported by checksum
	}
	if err := l.SetNetworkLayerForChecksum(r.b.net); err != nil {
		r.b.missing(r.path, err.Error())
	}
}

var tcpFlags = []flag{
	{"fin", 'F', 1}, {"syn", 'S', 2}, {"rst", 'R', 4}, {"psh", 'P', 8}, {"ack", 'A', 16},
	{"urg", 'U', 32}, {"ece", 'E', 64}, {"cwr", 'C', 128}, {"ns", 'N', 256},
}

const tcpSYN = 2

func buildTCP(r *reader, _ *item) gopacket.SerializableLayer {
	src, dst := r.ports(0)
	sum, keepSum := r.checksum(true)
	bits := r.flags(tcpSYN, tcpFlags)
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(src), DstPort: layers.TCPPort(dst),
		Seq:      uint32(r.number(0, 1<<32-1, "seq", "seq")),
		Ack:      uint32(r.number(0, 1<<32-1, "ack", "ack")),
		Window:   uint16(r.number(8192, 0xffff, "window", "window")),
		Urgent:   uint16(r.number(0, 0xffff, "urgent", "urgent")),
		Checksum: sum,
		FIN:      bits&1 != 0, SYN: bits&2 != 0, RST: bits&4 != 0, PSH: bits&8 != 0,
		ACK: bits&16 != 0, URG: bits&32 != 0, ECE: bits&64 != 0, CWR: bits&128 != 0,
		NS: bits&256 != 0,
	}
	raw := r.bytesUpTo(maxOptions, "options")
	opts, err := splitOptions(raw)
	if err != nil {
		r.fail("options", raw, err.Error(), "")
	}
	for _, o := range opts {
		tcp.Options = append(tcp.Options, layers.TCPOption{
			OptionType: layers.TCPOptionKind(o.kind), OptionData: o.data,
		})
	}
	if !keepSum {
		r.pseudo(tcp)
	}
	return override{SerializableLayer: tcp, keepSum: keepSum}
}

func buildSCTP(r *reader, _ *item) gopacket.SerializableLayer {
	src, dst := r.ports(0)
	l := &layers.SCTP{
		SrcPort: layers.SCTPPort(src), DstPort: layers.SCTPPort(dst),
		VerificationTag: uint32(r.number(0, 1<<32-1, "tag", "tag")),
	}
	sum, keepSum := r.maybe(1<<32-1, "checksum", "checksum")
	o := override{SerializableLayer: l, keepSum: keepSum}
	if keepSum {
		o.patch = func(hdr []byte) { binary.BigEndian.PutUint32(hdr[8:], uint32(sum)) }
	}
	return o
}

var icmpTypes = map[string]uint64{
	"echo-reply": 0, "unreachable": 3, "redirect": 5, "echo-request": 8, "echo": 8, "time-exceeded": 11,
}

func buildICMP(r *reader, _ *item) gopacket.SerializableLayer {
	kind := uint8(layers.ICMPv4TypeEchoRequest)
	if r.given("type") {
		kind = uint8(r.named(icmpTypes, 255, "type"))
	}
	r.note("type")
	sum, keepSum := r.checksum(false)
	return override{keepSum: keepSum, SerializableLayer: &layers.ICMPv4{
		TypeCode: layers.CreateICMPv4TypeCode(kind, uint8(r.number(0, 255, "code", "code"))),
		Id:       uint16(r.number(0, 0xffff, "id", "id")),
		Seq:      uint16(r.number(0, 0xffff, "seq", "seq")),
		Checksum: sum,
	}}
}

var icmp6Types = map[string]uint64{
	"unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "echo-request": 128, "echo": 128,
	"echo-reply": 129, "router-solicitation": 133, "router-advertisement": 134,
	"neighbor-solicitation": 135, "neighbor-advertisement": 136,
}

// buildICMPv6 writes the four bytes common to all types and, for the echo
// types, identifier and sequence number; other bodies are payload.
func buildICMPv6(r *reader, _ *item) gopacket.SerializableLayer {
	kind := uint8(layers.ICMPv6TypeEchoRequest)
	if r.given("type") {
		kind = uint8(r.named(icmp6Types, 255, "type"))
	}
	r.note("type")
	sum, keepSum := r.checksum(true)
	icmp := &layers.ICMPv6{
		TypeCode: layers.CreateICMPv6TypeCode(kind, uint8(r.number(0, 255, "code", "code"))),
		Checksum: sum,
	}
	if !keepSum {
		r.pseudo(icmp)
	}
	o := override{SerializableLayer: icmp, keepSum: keepSum}
	if kind != layers.ICMPv6TypeEchoRequest && kind != layers.ICMPv6TypeEchoReply {
		return o
	}
	return joined{o, &layers.ICMPv6Echo{
		Identifier: uint16(r.number(0, 0xffff, "id", "id")),
		SeqNumber:  uint16(r.number(0, 0xffff, "seq", "seq")),
	}}
}

// joined is a layer that gopacket splits in two.
type joined struct {
	gopacket.SerializableLayer
	inner gopacket.SerializableLayer
}

// SerializeTo writes the inner part, then the outer one in front of it.
func (j joined) SerializeTo(b gopacket.SerializeBuffer, opts gopacket.SerializeOptions) error {
	if err := j.inner.SerializeTo(b, opts); err != nil {
		return err
	}
	return j.SerializableLayer.SerializeTo(b, opts)
}
