// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// buildGRE writes version 0 (RFC 2784, RFC 2890).
func buildGRE(r *reader, next *item) gopacket.SerializableLayer {
	key, hasKey := r.maybe(1<<32-1, "key", "key")
	seq, hasSeq := r.maybe(1<<32-1, "seq", "seq")
	return &layers.GRE{
		Protocol:   layers.EthernetType(r.nextEther(next, true, "proto")),
		KeyPresent: hasKey, Key: uint32(key),
		SeqPresent: hasSeq, Seq: uint32(seq),
		ChecksumPresent: r.boolean("checksum"),
	}
}

// buildVXLAN writes the header of RFC 7348.
func buildVXLAN(r *reader, _ *item) gopacket.SerializableLayer {
	return &layers.VXLAN{ValidIDFlag: true, VNI: uint32(r.need(1<<24-1, "vni", "vni"))}
}

const gtpuTPDU = 255 // message type of user data

// buildGTPU writes a GTPv1-U header (3GPP TS 29.281 section 5.1). The length
// counts everything after the eight mandatory bytes. gopacket puts the optional
// part behind the payload, so it is written here.
func buildGTPU(r *reader, _ *item) gopacket.SerializableLayer {
	hdr := make([]byte, 8, 12)
	hdr[0] = 0x30 // version 1, GTP
	hdr[1] = uint8(r.number(gtpuTPDU, 255, "message type", "type"))
	binary.BigEndian.PutUint32(hdr[4:], uint32(r.need(1<<32-1, "teid", "teid")))
	if seq, ok := r.maybe(0xffff, "seq", "seq"); ok {
		hdr[0] |= 0x02
		hdr = append(hdr, byte(seq>>8), byte(seq), 0, 0)
	}
	return header{kind: layers.LayerTypeGTPv1U, bytes: hdr, finish: func(h []byte, bodyLen int) {
		binary.BigEndian.PutUint16(h[2:], uint16(len(h)-8+bodyLen))
	}}
}
