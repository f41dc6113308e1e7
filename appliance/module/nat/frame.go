// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

var be = binary.BigEndian

// kind is what a frame is to a NAT.
type kind int

const (
	isTCP         = kind(tcp)
	isUDP         = kind(udp)
	isQuery       = kind(icmp) // ICMP with an identifier
	isError       = kind(transports)
	isFragment    = kind(transports) + 1
	isUnsupported = kind(transports) + 2
)

// frame is a packet as a NAT sees it: an IPv4 header at ipAt, and behind it
// what its kind says, as long as that header is.
type frame struct {
	d       []byte // the first segment
	l4      int    // where the transport header is
	kind    kind
	partial bool // the checksum is that of the pseudo header only
}

// Offsets in an untagged Ethernet frame.
const (
	ipAt      = header.EthernetLen
	plainL4   = ipAt + header.IPv4MinLen
	plainLen  = plainL4 + header.TCPMinLen
	plainIPv4 = 0x080045 // EtherType, version and header length
	anyPiece  = 0x3fff   // more fragments, or an offset
)

// usual returns what kind of packet d begins with if it is TCP or UDP in an
// IPv4 header without options, whole and of plainLen bytes, with nothing left
// for the hardware.
func usual(d *packet.Front, flags uint32) (kind, bool) {
	k, need := isTCP, uint16(plainLen-ipAt)
	if d[23] == header.ProtoUDP {
		k, need = isUDP, plainL4+header.UDPLen-ipAt
	} else if d[23] != header.ProtoTCP {
		return isUnsupported, false
	}
	return k, be.Uint32(d[12:16])>>8 == plainIPv4 && be.Uint16(d[16:18]) >= need && be.Uint16(d[20:22])&anyPiece == 0 && flags == 0
}

// parse looks at a packet: the usual ones here, all others in parseAny.
func parse(p packet.Packet) frame {
	if d := p.Front(plainLen); d != nil {
		if k, ok := usual(d, p.Flags()); ok {
			return frame{d: p.Bytes(), l4: plainL4, kind: k}
		}
	}
	return parseAny(p, p.Bytes())
}

func parseAny(p packet.Packet, d []byte) frame {
	f := frame{d: d, kind: isUnsupported, partial: p.Flags()&packet.FlagPartialChecksum != 0}
	eth, ok := header.ParseEthernet(d)
	if !ok || eth.Type() != header.TypeIPv4 {
		return f
	}
	ip, ok := header.ParseIPv4(d, ipAt)
	if !ok {
		return f
	}
	if ip.IsFragment() {
		f.kind = isFragment
		return f
	}
	f.l4 = ipAt + ip.HeaderLen()
	rest := ip.Payload()
	switch ip.Protocol() {
	case header.ProtoTCP:
		if len(rest) >= header.TCPMinLen {
			f.kind = isTCP
		}
	case header.ProtoUDP:
		if len(rest) >= header.UDPLen {
			f.kind = isUDP
		}
	case header.ProtoICMP:
		if h, ok := header.ParseICMP(rest, 0); ok && h.IsQuery() {
			f.kind = isQuery
		} else if ok {
			if _, ok := h.Quoted(); ok {
				f.kind = isError
			}
		}
	}
	return f
}

// icmp returns the message of an isError frame.
func (f *frame) icmp() header.ICMP {
	ip, _ := header.ParseIPv4(f.d, ipAt)
	return header.ICMP(ip.Payload())
}

// places returns where address and port of a side are.
func (f *frame) places(side header.Side) (addr, port int) {
	addr = ipAt + 12 + 4*int(side)
	if f.kind == isQuery {
		return addr, f.l4 + 4
	}
	return addr, f.l4 + 2*int(side)
}

// key returns the endpoint of a side; not for isError and what follows.
func (f *frame) key(side header.Side) key {
	a, p := f.places(side)
	return makeKey(transport(f.kind), be.Uint32(f.d[a:a+4]), be.Uint16(f.d[p:p+2]))
}

// flags returns those of TCP.
func (f *frame) flags() uint8 { return f.d[f.l4+13] }

// setAddr gives a side another address and corrects the header's checksum.
func (f *frame) setAddr(side header.Side, now uint32) (delta uint32) {
	a := ipAt + 12 + 4*int(side)
	d := f.d
	delta = header.Delta32(be.Uint32(d[a:a+4]), now)
	be.PutUint32(d[a:a+4], now)
	be.PutUint16(d[24:26], header.Adjust(be.Uint16(d[24:26]), delta))
	return delta
}

// deltas returns by how much the sums over the header and over all grow with
// another source.
func deltas(from, to key) (addr, both uint16) {
	d := header.Delta32(from.addr(), to.addr())
	return header.Fold(d), header.Fold(d + header.Delta16(from.port(), to.port()))
}

// replaceSource gives a usual frame another source, which makes sums grow by
// what deltas says.
func replaceSource(d *packet.Front, to key, isTCP bool, addr, both uint16) {
	be.PutUint16(d[24:26], header.Deduct(be.Uint16(d[24:26]), addr))
	be.PutUint32(d[26:30], to.addr())
	be.PutUint16(d[34:36], to.port())
	if isTCP {
		be.PutUint16(d[50:52], header.Deduct(be.Uint16(d[50:52]), both))
	} else if sum := be.Uint16(d[40:42]); sum != 0 {
		be.PutUint16(d[40:42], header.NonZero(header.Deduct(sum, both)))
	}
}

// set gives a side another endpoint and corrects all checksums.
func (f *frame) set(side header.Side, to key) {
	delta := f.setAddr(side, to.addr())
	d := f.d
	_, p := f.places(side)
	port := header.Delta16(be.Uint16(d[p:p+2]), to.port())
	be.PutUint16(d[p:p+2], to.port())
	if f.partial && f.kind != isQuery {
		// Ports are not in the pseudo header.
		ip, _ := header.ParseIPv4(d, ipAt)
		ip.AdjustTransport(delta, port, true)
		return
	}
	d = d[f.l4:]
	switch f.kind {
	case isTCP:
		be.PutUint16(d[16:18], header.Adjust(be.Uint16(d[16:18]), delta+port))
	case isUDP:
		if sum := be.Uint16(d[6:8]); sum != 0 {
			be.PutUint16(d[6:8], header.NonZero(header.Adjust(sum, delta+port)))
		}
	case isQuery:
		be.PutUint16(d[2:4], header.Adjust(be.Uint16(d[2:4]), port))
	}
}
