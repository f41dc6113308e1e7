// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package drr

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// flowKey is what the packets of a flow have in common: addresses, ports and
// protocol. Ports are 0 for protocols without and for all fragments. What is
// not well-formed IPv4 has the key of zeros.
type flowKey struct {
	addrs uint64 // source, destination
	rest  uint64 // 1<<40 | protocol << 32 | ports
}

func (k *flowKey) hash() uint64 {
	return (k.addrs*0x9e3779b97f4a7c15 ^ k.rest*0xd6e8feb86659fd93) * 0x9e3779b97f4a7c15 >> (64 - headBits)
}

// keyOf returns the flow that a packet belongs to.
func keyOf(p packet.Packet) flowKey {
	d := p.Bytes()
	be := binary.BigEndian
	const ipAt, minLen, plainIPv4 = header.EthernetLen, header.IPv4MinLen + header.UDPLen, 0x080045
	if len(d) < ipAt+minLen || be.Uint32(d[12:16])>>8 != plainIPv4 || be.Uint16(d[16:18]) < minLen {
		return keyOfAny(d)
	}
	k := flowKey{addrs: be.Uint64(d[26:34]), rest: 1<<40 | uint64(d[23])<<32}
	if header.HasPorts(d[23]) && be.Uint16(d[20:22])&0x3fff == 0 {
		k.rest |= uint64(be.Uint32(d[34:38]))
	}
	return k
}

// keyOfAny is keyOf for headers with options, short and other packets.
func keyOfAny(d []byte) flowKey {
	eth, ok := header.ParseEthernet(d)
	if !ok || eth.Type() != header.TypeIPv4 {
		return flowKey{}
	}
	ip, ok := header.ParseIPv4(d, header.EthernetLen)
	if !ok {
		return flowKey{}
	}
	k := flowKey{addrs: uint64(ip.Src())<<32 | uint64(ip.Dst()), rest: 1<<40 | uint64(ip.Protocol())<<32}
	if src, dst, ok := ip.Ports(); ok && !ip.IsFragment() {
		k.rest |= uint64(src)<<16 | uint64(dst)
	}
	return k
}
