// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"sort"

	"github.com/google/gopacket"
)

// layer describes one kind of layer.
type layer struct {
	names []string // canonical name first
	group int      // the map form takes one layer of a group
	// etherType and ipProto are how a lower layer announces this one; 0 when it
	// cannot.
	etherType uint16
	ipProto   uint8
	stacks    bool   // the map form takes a list
	bare      string // field meant when the value is a bare number
	// build is nil for the payload.
	build func(r *reader, next *item) gopacket.SerializableLayer
}

// kinds are the layers in the order of the map form. It is filled by init, because the
// builders look layers up in it.
var kinds []*layer

var layerIndex = map[string]*layer{}

func init() {
	kinds = []*layer{
		{names: []string{"eth"}, group: 0, build: buildEth},
		{names: []string{"vlan"}, group: 1, etherType: 0x8100, stacks: true, bare: "id", build: buildVLAN},
		{names: []string{"mpls"}, group: 2, etherType: 0x8847, ipProto: 137, stacks: true, bare: "label", build: buildMPLS},
		{names: []string{"arp"}, group: 3, etherType: 0x0806, build: buildARP},
		{names: []string{"ip", "ipv4"}, group: 3, etherType: 0x0800, ipProto: 4, build: buildIPv4},
		{names: []string{"ipv6"}, group: 3, etherType: 0x86dd, ipProto: 41, build: buildIPv6},
		{names: []string{"gre"}, group: 4, ipProto: 47, build: buildGRE},
		{names: []string{"udp"}, group: 4, ipProto: 17, build: buildUDP},
		{names: []string{"tcp"}, group: 4, ipProto: 6, build: buildTCP},
		{names: []string{"sctp"}, group: 4, ipProto: 132, build: buildSCTP},
		{names: []string{"icmp"}, group: 4, ipProto: 1, build: buildICMP},
		{names: []string{"icmpv6"}, group: 4, ipProto: 58, build: buildICMPv6},
		{names: []string{"vxlan"}, group: 5, build: buildVXLAN},
		{names: []string{"gtpu"}, group: 5, build: buildGTPU},
		{names: []string{"payload"}, group: 6},
	}
	for _, d := range kinds {
		for _, n := range d.names {
			layerIndex[n] = d
		}
	}
}

func lookup(name string) (*layer, bool) {
	d, ok := layerIndex[name]
	return d, ok
}

// layerNames returns every accepted key of a packet, for spelling help.
func layerNames() []string {
	names := make([]string, 0, len(layerIndex)+1)
	for n := range layerIndex {
		names = append(names, n)
	}
	sort.Strings(names)
	return append(names, "pad_to")
}

// etherNames are the names eth.type and its like take.
var etherNames = map[string]uint64{
	"ipv4": 0x0800, "ip": 0x0800, "arp": 0x0806, "ipv6": 0x86dd,
	"vlan": 0x8100, "qinq": 0x88a8, "mpls": 0x8847, "eth": 0x6558,
}

// protoNames are the names ip.proto and its like take (IANA protocol numbers).
var protoNames = map[string]uint64{
	"icmp": 1, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47,
	"icmpv6": 58, "sctp": 132, "mpls": 137,
}

// nextEther finds the EtherType of the layer after this one. Ethernet inside
// GRE has one too (0x6558); elsewhere it has none.
func (r *reader) nextEther(next *item, inGRE bool, names ...string) uint16 {
	if r.given(names...) {
		return uint16(r.named(etherNames, 0xffff, names...))
	}
	r.note(names...)
	if next != nil {
		d, _ := lookup(next.name)
		switch {
		case d.names[0] == "vlan":
			return tpid(next.val)
		case d.etherType != 0:
			return d.etherType
		case d.names[0] == "eth" && inGRE:
			return 0x6558
		}
	}
	r.b.missing(r.at(names[0]), "missing: "+follows(next))
	return 0
}

// nextProto finds the IP protocol number of the layer after this one.
func (r *reader) nextProto(next *item, names ...string) uint8 {
	if r.given(names...) {
		return uint8(r.named(protoNames, 0xff, names...))
	}
	r.note(names...)
	if next != nil {
		if d, _ := lookup(next.name); d.ipProto != 0 {
			return d.ipProto
		}
	}
	r.b.missing(r.at(names[0]), "missing: "+follows(next))
	return 0
}

func follows(next *item) string {
	if next == nil {
		return "it cannot be derived, because no layer follows"
	}
	return "it cannot be derived from the next layer (" + next.name + ")"
}

// header is a layer gopacket cannot write as needed: fixed bytes, optionally
// completed once what follows them is known.
type header struct {
	kind   gopacket.LayerType
	bytes  []byte
	finish func(hdr []byte, bodyLen int)
}

// LayerType names the layer.
func (h header) LayerType() gopacket.LayerType { return h.kind }

// SerializeTo puts the header in front of what is there.
func (h header) SerializeTo(b gopacket.SerializeBuffer, _ gopacket.SerializeOptions) error {
	bodyLen := len(b.Bytes())
	dst, err := b.PrependBytes(len(h.bytes))
	if err != nil {
		return err
	}
	copy(dst, h.bytes)
	if h.finish != nil {
		h.finish(dst, bodyLen)
	}
	return nil
}

// override writes a gopacket layer with its own choice of what is computed,
// and lets patch correct the header afterwards.
type override struct {
	gopacket.SerializableLayer
	keepLen, keepSum bool
	patch            func(hdr []byte)
}

// SerializeTo writes the layer.
func (o override) SerializeTo(b gopacket.SerializeBuffer, opts gopacket.SerializeOptions) error {
	opts.FixLengths = opts.FixLengths && !o.keepLen
	opts.ComputeChecksums = opts.ComputeChecksums && !o.keepSum
	if err := o.SerializableLayer.SerializeTo(b, opts); err != nil {
		return err
	}
	if o.patch != nil {
		o.patch(b.Bytes())
	}
	return nil
}
