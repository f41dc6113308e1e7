// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

var be = binary.BigEndian

const (
	maxTemplate = 1536
	// bareLen is the shortest Ethernet frame: that of SYN and FIN, unless
	// there are options.
	bareLen = 60
	ipAt    = header.EthernetLen
)

// template is a checked template. Immutable.
type template struct {
	proto      uint8
	l4         int    // where TCP or UDP begins
	src, dst   uint32 // what flows count from
	sport      uint16
	dport      uint16
	full, bare shape  // bare: no payload, for SYN and FIN of TCP
	payload    uint32 // bytes by which the sequence number advances
}

// shape is a frame with the sums of what is the same in all packets.
type shape struct {
	frame []byte
	ipSum uint32 // of the IPv4 header without addresses
	l4Sum uint32 // of transport and pseudo header without addresses, ports, sequence number and flags
}

func badTemplate(format string, a ...any) error {
	return errno.Errorf(errno.EINVAL, "template: "+format, a...)
}

// newTemplate checks a frame. Lengths in its headers must hold together, so
// that every packet made from it is right.
func newTemplate(frame []byte) (*template, error) {
	if len(frame) > maxTemplate {
		return nil, badTemplate("%d bytes: is too big, at most %d", len(frame), maxTemplate)
	}
	eth, ok := header.ParseEthernet(frame)
	if !ok || eth.Type() != header.TypeIPv4 {
		return nil, badTemplate("is not IPv4: must be an Ethernet frame of EtherType 0x0800")
	}
	ip, ok := header.ParseIPv4(frame, ipAt)
	if !ok || ip.Truncated() || ip.IsFragment() {
		return nil, badTemplate("is not IPv4: the header is malformed, longer than the frame or that of a fragment")
	}
	t := &template{proto: ip.Protocol(), l4: ipAt + ip.HeaderLen(), src: ip.Src(), dst: ip.Dst()}
	headers := t.l4
	switch t.proto {
	case header.ProtoTCP:
		tcp, ok := header.ParseTCP(ip, ip.HeaderLen())
		if !ok {
			return nil, badTemplate("the TCP header is malformed or longer than the datagram")
		}
		headers += tcp.HeaderLen()
	case header.ProtoUDP:
		udp, ok := header.ParseUDP(ip, ip.HeaderLen())
		if !ok || udp.Length() != len(udp) {
			return nil, badTemplate("the UDP header is longer than the datagram, or its length is not that of the datagram")
		}
		headers += header.UDPLen
	default:
		return nil, badTemplate("is not UDP or TCP, but protocol %d", t.proto)
	}
	t.sport, t.dport, _ = ip.Ports()
	t.payload = uint32(ipAt + len(ip) - headers)
	t.full = t.shape(frame, len(ip))
	bare := make([]byte, max(bareLen, headers))
	copy(bare, frame[:headers])
	header.IPv4(bare[ipAt:]).SetTotalLen(uint16(headers - ipAt))
	t.bare = t.shape(bare, headers-ipAt)
	return t, nil
}

// shape returns a frame whose datagram is total bytes long with its sums.
func (t *template) shape(frame []byte, total int) shape {
	s := shape{frame: append([]byte(nil), frame...)}
	f := s.frame
	clear(f[ipAt+10 : ipAt+20]) // checksum and addresses
	clear(f[t.l4 : t.l4+4])     // ports
	l4 := f[t.l4 : ipAt+total]
	if t.proto == header.ProtoTCP {
		clear(l4[4:8])   // sequence number
		clear(l4[13:14]) // flags
		clear(l4[16:18]) // checksum
	} else {
		clear(l4[6:8])
	}
	s.ipSum = header.Sum(f[ipAt:t.l4], 0)
	s.l4Sum = header.Sum(l4, header.PseudoSum(0, 0, t.proto, uint16(len(l4))))
	return s
}

// build makes p the next packet of a flow and returns its length.
func (t *template) build(p packet.Packet, f *flow, first, last bool) int {
	s := &t.full
	if t.proto == header.ProtoTCP && (first || last) {
		s = &t.bare
	}
	p.Set(s.frame)
	d := p.Bytes()
	ip, l4 := d[ipAt:t.l4], d[t.l4:]
	addrs := f.src>>16 + f.src&0xffff + f.dst>>16 + f.dst&0xffff
	be.PutUint32(ip[12:16], f.src)
	be.PutUint32(ip[16:20], f.dst)
	be.PutUint16(ip[10:12], ^header.Fold(s.ipSum+addrs))
	be.PutUint32(l4[0:4], f.ports)
	sum := s.l4Sum + addrs + f.ports>>16 + f.ports&0xffff
	if t.proto == header.ProtoUDP {
		be.PutUint16(l4[6:8], header.NonZero(^header.Fold(sum)))
		return len(d)
	}
	flags := header.TCPAck
	advance := t.payload
	if first {
		flags, advance = header.TCPSyn, 1
	}
	if last {
		flags |= header.TCPFin
	}
	be.PutUint32(l4[4:8], f.seq)
	l4[13] = flags
	be.PutUint16(l4[16:18], ^header.Fold(sum+f.seq>>16+f.seq&0xffff+uint32(flags)))
	f.seq += advance
	return len(d)
}
