// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// ICMPParameterProblem is the type of errors about a field of the header; with
// ICMPUnreachable and ICMPTimeExceeded it is one of those that quote a packet.
const ICMPParameterProblem uint8 = 12

// icmpSourceQuench is deprecated (RFC 6633), but still quotes a packet.
const icmpSourceQuench uint8 = 4

// Quoted returns the start of the packet that an error is about: its IPv4
// header and, as a rule, eight bytes or more behind it (RFC 792, RFC 1812
// section 4.3.2.3). ok is false for other messages and for quotes that are
// not IPv4.
func (h ICMP) Quoted() (q IPv4, ok bool) {
	switch h[0] {
	case ICMPUnreachable, icmpSourceQuench, ICMPTimeExceeded, ICMPParameterProblem:
		return ParseIPv4(h, ICMPLen)
	}
	return nil, false
}

// Endpoint is an address with a port, or with the identifier of an ICMP query.
type Endpoint struct {
	Addr uint32
	Port uint16
}

// Side says which end of a packet is meant.
type Side int

// The two ends of a packet.
const (
	SrcSide Side = iota
	DstSide
)

// Places of the addresses of both sides in an IPv4 header, of the ports in the
// transport header, and of checksums there.
const (
	addrAt, addrStep = 12, 4
	portStep         = 2
	icmpIDAt         = 4
	tcpSumAt         = 16
	udpSumAt         = 6
	icmpSumAt        = 2
)

// Endpoint returns one side of a packet: address and port of TCP and UDP, or
// address and identifier of an ICMP query. ok is false for other protocols,
// for fragments other than the first and if the bytes end before the port.
func (h IPv4) Endpoint(side Side) (e Endpoint, ok bool) {
	at, ok := h.portAt(side)
	if !ok || len(h) < at+2 {
		return Endpoint{}, false
	}
	a := addrAt + addrStep*int(side)
	return Endpoint{be.Uint32(h[a : a+4]), be.Uint16(h[at : at+2])}, true
}

// portAt returns where the port or identifier of a side is.
func (h IPv4) portAt(side Side) (at int, ok bool) {
	at = h.HeaderLen()
	switch h[9] {
	case ProtoTCP, ProtoUDP:
		return at + portStep*int(side), h.HasTransport()
	case ProtoICMP:
		return at + icmpIDAt, h.HasTransport() && len(h) > at && ICMP(h[at:]).IsQuery()
	}
	return 0, false
}

// SetQuoted gives one side of the packet that an error quotes another
// endpoint, with all checksums in the quote as far as it goes and that of the
// error. port is false if only the address changes. It reports false, and
// changes nothing, if there is no quote or no port in it.
func (h ICMP) SetQuoted(side Side, e Endpoint, port bool) bool {
	q, ok := h.Quoted()
	if !ok {
		return false
	}
	at := 0
	if port {
		if at, ok = q.portAt(side); !ok || len(q) < at+2 {
			return false
		}
	}
	a := addrAt + addrStep*int(side)
	addr := Delta32(be.Uint32(q[a:a+4]), e.Addr)
	be.PutUint32(q[a:a+4], e.Addr)
	total := addr + adjustAt(q, 10, addr)
	rest := uint32(0)
	if port {
		rest = Delta16(be.Uint16(q[at:at+2]), e.Port)
		be.PutUint16(q[at:at+2], e.Port)
		total += rest
	}
	if sum, pseudo := q.transportSumAt(); sum > 0 {
		if pseudo {
			rest += addr
		}
		total += adjustAt(q, sum, rest)
	}
	h.SetChecksum(Adjust(h.Checksum(), total))
	return true
}

// adjustAt adapts the checksum at b[at:] and returns the delta of that.
func adjustAt(b []byte, at int, delta uint32) uint32 {
	old := be.Uint16(b[at : at+2])
	now := Adjust(old, delta)
	be.PutUint16(b[at:at+2], now)
	return Delta16(old, now)
}

// transportSumAt returns where the checksum of the transport is, 0 if there is
// none, and whether it covers the addresses.
func (h IPv4) transportSumAt() (at int, pseudo bool) {
	if !h.HasTransport() {
		return 0, false
	}
	switch at = h.HeaderLen(); h[9] {
	case ProtoTCP:
		at, pseudo = at+tcpSumAt, true
	case ProtoUDP:
		at, pseudo = at+udpSumAt, true
	case ProtoICMP:
		at += icmpSumAt
	default:
		return 0, false
	}
	if len(h) < at+2 || h[9] == ProtoUDP && be.Uint16(h[at:at+2]) == 0 {
		return 0, false
	}
	return at, pseudo
}

// AdjustTransport adapts the checksum of TCP or UDP after addresses and ports
// have changed by these deltas: an absent one of UDP (0) stays absent. With
// partial the field holds the sum of the pseudo header only, as local senders
// leave it for others to complete, and ports do not matter. Nothing is done
// for other protocols, fragments other than the first and headers cut short.
func (h IPv4) AdjustTransport(addr, port uint32, partial bool) {
	at, pseudo := h.transportSumAt()
	if !pseudo {
		return
	}
	old := be.Uint16(h[at : at+2])
	if partial {
		be.PutUint16(h[at:at+2], Fold(uint32(old)+addr))
		return
	}
	now := Adjust(old, addr+port)
	if h[9] == ProtoUDP {
		now = NonZero(now)
	}
	be.PutUint16(h[at:at+2], now)
}
