// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"errors"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// maxOptions is what a four-bit header length leaves for options (RFC 791,
// RFC 9293).
const maxOptions = 40

var ipFlags = []flag{
	{name: "mf", bit: uint16(layers.IPv4MoreFragments)},
	{name: "df", bit: uint16(layers.IPv4DontFragment)},
	{name: "evil", bit: uint16(layers.IPv4EvilBit)},
}

func buildIPv4(r *reader, next *item) gopacket.SerializableLayer {
	ip := &layers.IPv4{
		Version:    4,
		TOS:        r.trafficClass("tos"),
		Id:         uint16(r.number(0, 0xffff, "id", "id")),
		Flags:      layers.IPv4Flag(r.flags(0, ipFlags)),
		FragOffset: uint16(r.number(0, 0x1fff, "fragment offset (units of 8 bytes)", "frag")),
		TTL:        uint8(r.number(64, 255, "ttl", "ttl")),
		SrcIP:      r.ipv4("src"),
		DstIP:      r.ipv4("dst"),
		Protocol:   layers.IPProtocol(r.nextProto(next, "proto")),
	}
	raw := r.bytesUpTo(maxOptions, "options")
	opts, err := splitOptions(raw)
	if err != nil {
		r.fail("options", raw, err.Error(), "")
	}
	for _, o := range opts {
		ip.Options = append(ip.Options, layers.IPv4Option{
			OptionType: o.kind, OptionLength: uint8(len(o.data) + 2), OptionData: o.data,
		})
	}
	length, keepLen := r.maybe(0xffff, "length", "length")
	sum, keepSum := r.maybe(0xffff, "checksum", "checksum")
	ip.Length, ip.Checksum = uint16(length), uint16(sum)
	ip.IHL = uint8(5 + (len(raw)+3)/4)
	r.b.net = ip
	return override{SerializableLayer: ip, keepLen: keepLen, keepSum: keepSum}
}

// trafficClass reads the byte as a whole (under its own names) or in parts.
func (r *reader) trafficClass(whole ...string) uint8 {
	tos, isWhole := r.maybe(255, whole[0], whole...)
	dscp, hasDSCP := r.maybe(63, "dscp", "dscp")
	ecn, hasECN := r.maybe(3, "ecn", "ecn")
	if isWhole && (hasDSCP || hasECN) {
		r.b.missing(r.at(whole[0]), "not together with dscp or ecn, which are parts of it")
	}
	if isWhole {
		return uint8(tos)
	}
	return uint8(dscp<<2 | ecn)
}

// option is one IPv4 or TCP option; kinds 0 and 1 have no length and no data.
type option struct {
	kind uint8
	data []byte
}

// splitOptions cuts raw option bytes apart (RFC 791 section 3.1, RFC 9293
// section 3.1: the same layout). What follows an end-of-list must be zero.
func splitOptions(raw []byte) ([]option, error) {
	var opts []option
	for i := 0; i < len(raw); {
		if raw[i] <= 1 {
			opts = append(opts, option{kind: raw[i]})
			i++
			continue
		}
		if i+1 >= len(raw) {
			return nil, errors.New("last option has no length byte")
		}
		n := int(raw[i+1])
		if n < 2 || i+n > len(raw) {
			return nil, errors.New("option length does not fit the options")
		}
		opts = append(opts, option{kind: raw[i], data: raw[i+2 : i+n]})
		i += n
	}
	return opts, nil
}

func buildIPv6(r *reader, next *item) gopacket.SerializableLayer {
	ip := &layers.IPv6{
		Version:      6,
		TrafficClass: r.trafficClass("tclass", "tos"),
		FlowLabel:    uint32(r.number(0, 1<<20-1, "flow label", "flow")),
		HopLimit:     uint8(r.number(64, 255, "hop limit", "hop_limit", "ttl")),
		SrcIP:        r.ipv6("src"),
		DstIP:        r.ipv6("dst"),
		NextHeader:   layers.IPProtocol(r.nextProto(next, "proto", "next_header")),
	}
	length, keepLen := r.maybe(0xffff, "length", "length")
	ip.Length = uint16(length)
	r.b.net = ip
	return override{SerializableLayer: ip, keepLen: keepLen}
}
