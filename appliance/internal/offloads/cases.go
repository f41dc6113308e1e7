// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package offloads holds what a sender on this host may leave to hardware that
// is not there: checksums to be completed, packets to be cut, tags among their
// headers. Tests of devices send it through the kernel and look at what becomes
// of it. Only tests use it.
package offloads

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Case is a frame as a sender leaves it.
type Case struct {
	Name   string
	Frame  []byte
	Header sys.VnetHeader // says what is left to do
	// Want is what must be on a cable: one packet or several.
	Want [][]byte
	// Datagrams says that the frame is several datagrams in one, whose number
	// cannot be known from the frame.
	Datagrams bool
}

// MTU is that of the interfaces the frames are for. Pieces of TCP fill it. A tag
// of 802.1Q does not count; with others the kernel is not of one mind, so here
// they do.
const MTU = 1500

// largest is the payload of a packet that the kernel just lets be in one piece.
const largest = 65400

// datagram is how many bytes of payload a datagram of several in one has.
const datagram = 700

// Cases returns every kind of packet with no tag, one and two.
func Cases() (all []Case) {
	for tags, name := range []string{"", "tag-", "two-tags-"} {
		for _, v6 := range []bool{false, true} {
			v := map[bool]string{false: "4", true: "6"}[v6]
			mss := map[bool]int{false: MTU - 40, true: MTU - 60}[v6] - []int{0, 0, 8}[tags]
			for _, c := range []struct {
				kind     string
				protocol layers.IPProtocol
				payload  int
				cut      int
			}{
				{"tcp", layers.IPProtocolTCP, 501, 0},
				{"udp", layers.IPProtocolUDP, 501, 0},
				{"sctp", layers.IPProtocolSCTP, 500, 0},
				{"large-tcp", layers.IPProtocolTCP, 3*mss + 77, mss},
				{"largest-tcp", layers.IPProtocolTCP, largest, mss},
				{"large-udp", layers.IPProtocolUDP, 4*datagram + 99, datagram},
			} {
				f := builder{tags: tags, v6: v6, protocol: c.protocol}
				one := f.make(c.payload, c.cut)
				one.Name = name + c.kind + v
				all = append(all, one)
			}
		}
	}
	return all
}

// builder makes frames of one form.
type builder struct {
	tags     int
	v6       bool
	protocol layers.IPProtocol
}

// make returns a case with so many bytes of payload, to be cut into pieces of
// some bytes each; 0: not at all.
func (f builder) make(payload, cut int) Case {
	data := make([]byte, payload)
	for i := range data {
		data[i] = byte(i*7 + i>>8)
	}
	c := Case{Frame: f.frame(data, 0, 0, true), Datagrams: cut > 0 && f.protocol == layers.IPProtocolUDP}
	l4 := 14 + 4*f.tags + map[bool]int{false: 20, true: 40}[f.v6]
	sum, header := f.shape()
	c.Header = sys.VnetHeader{Header: l4 + header, SumFrom: l4, SumAt: l4 + sum, Size: cut}
	f.open(c.Frame, l4, c.Header.SumAt)
	if cut == 0 {
		c.Header.Header = 0
		c.Want = [][]byte{f.frame(data, 0, 0, true)}
		return c
	}
	c.Header.Kind = f.kind()
	for at := 0; at < payload; at += cut {
		end := min(at+cut, payload)
		c.Want = append(c.Want, f.frame(data[at:end], at, at/cut, end == payload))
	}
	return c
}

// shape returns where the header has its checksum, and its length.
func (f builder) shape() (sum, header int) {
	switch f.protocol {
	case layers.IPProtocolTCP:
		return 16, 20
	case layers.IPProtocolUDP:
		return 6, 8
	default:
		return 8, 12
	}
}

func (f builder) kind() sys.Offload {
	switch {
	case f.protocol == layers.IPProtocolUDP:
		return sys.OffloadUDP
	case f.v6:
		return sys.OffloadTCP6
	default:
		return sys.OffloadTCP4
	}
}

// frame returns a finished frame: piece number n, whose payload begins at some
// byte of the whole; last says whether it is the last one.
func (f builder) frame(data []byte, at, n int, last bool) []byte {
	ls := []gopacket.SerializableLayer{f.ethernet()}
	for i := range f.tags {
		ls = append(ls, f.tag(i))
	}
	var network gopacket.NetworkLayer
	if f.v6 {
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: f.protocol, SrcIP: address(f.v6, 1), DstIP: address(f.v6, 2)}
		ls, network = append(ls, ip), ip
	} else {
		ip := &layers.IPv4{Version: 4, TTL: 64, Id: uint16(1000 + n), Protocol: f.protocol, SrcIP: address(f.v6, 1), DstIP: address(f.v6, 2)}
		ls, network = append(ls, ip), ip
	}
	switch f.protocol {
	case layers.IPProtocolTCP:
		tcp := &layers.TCP{SrcPort: 80, DstPort: 4242, Seq: uint32(77 + at), Ack: 9, ACK: true, PSH: last, Window: 99}
		_ = tcp.SetNetworkLayerForChecksum(network)
		ls = append(ls, tcp)
	case layers.IPProtocolUDP:
		udp := &layers.UDP{SrcPort: 4242, DstPort: 4243}
		_ = udp.SetNetworkLayerForChecksum(network)
		ls = append(ls, udp)
	}
	b := gopacket.NewSerializeBuffer()
	if f.protocol == layers.IPProtocolSCTP {
		data = sctp(data)
	}
	ls = append(ls, gopacket.Payload(data))
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(fmt.Sprint("offloads: ", err))
	}
	return b.Bytes()
}

// sctp puts a header with the CRC32c (RFC 9260) before data.
func sctp(data []byte) []byte {
	b := append([]byte{0x16, 0x9b, 0x16, 0x9c, 0, 0, 0, 9, 0, 0, 0, 0}, data...)
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func (f builder) ethernet() *layers.Ethernet {
	e := &layers.Ethernet{DstMAC: []byte{2, 0, 0, 0, 0, 9}, SrcMAC: []byte{2, 0, 0, 0, 0, 8}, EthernetType: f.network()}
	switch f.tags {
	case 1:
		e.EthernetType = layers.EthernetTypeDot1Q
	case 2:
		e.EthernetType = layers.EthernetTypeQinQ
	}
	return e
}

func (f builder) tag(i int) *layers.Dot1Q {
	t := &layers.Dot1Q{Priority: 3, VLANIdentifier: uint16(100 + i), Type: f.network()}
	if i < f.tags-1 {
		t.Type = layers.EthernetTypeDot1Q
	}
	return t
}

func (f builder) network() layers.EthernetType {
	if f.v6 {
		return layers.EthernetTypeIPv6
	}
	return layers.EthernetTypeIPv4
}

// address returns that of a host.
func address(v6 bool, host byte) []byte {
	if v6 {
		return []byte{0xfd, 15: host}
	}
	return []byte{10, 7, 0, host}
}

// open leaves the checksum of a frame as a sender does: the sum of the pseudo
// header, 0 for SCTP.
func (f builder) open(b []byte, l4, at int) {
	if f.protocol == layers.IPProtocolSCTP {
		clear(b[at : at+4])
		return
	}
	first := l4 - 8
	if f.v6 {
		first = l4 - 32
	}
	sum := uint32(f.protocol) + uint32(len(b)-l4)
	for i := first; i < l4; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[at:], uint16(sum))
}
