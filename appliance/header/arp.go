// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// ARPLen is the length of an ARP message for Ethernet and IPv4, in bytes.
const ARPLen = 28

// Operations of ARP (RFC 826).
const (
	ARPRequest uint16 = 1
	ARPReply   uint16 = 2
)

// arpEthernetIPv4 is the fixed beginning of ARP for Ethernet and IPv4:
// hardware type 1, protocol 0x0800, lengths 6 and 4.
const arpEthernetIPv4 = 0x0001_0800_0604

// ARP is an ARP message for Ethernet and IPv4.
type ARP []byte

// ARPFields is the content of an ARP message.
type ARPFields struct {
	Op                   uint16
	SenderMAC, TargetMAC MAC
	SenderIP, TargetIP   uint32
}

// ParseARP returns the message at off if it is complete and speaks about
// Ethernet and IPv4.
func ParseARP(frame []byte, off int) (ARP, bool) {
	b, ok := from(frame, off, ARPLen)
	if !ok || be.Uint64(b)>>16 != arpEthernetIPv4 {
		return nil, false
	}
	return b[:ARPLen], true
}

// Op returns the operation.
func (h ARP) Op() uint16 { return be.Uint16(h[6:8]) }

// SenderMAC returns the sender's hardware address.
func (h ARP) SenderMAC() MAC { return MAC(h[8:14]) }

// SenderIP returns the sender's protocol address.
func (h ARP) SenderIP() uint32 { return be.Uint32(h[14:18]) }

// TargetMAC returns the target's hardware address.
func (h ARP) TargetMAC() MAC { return MAC(h[18:24]) }

// TargetIP returns the target's protocol address.
func (h ARP) TargetIP() uint32 { return be.Uint32(h[24:28]) }

// SetOp writes the operation.
func (h ARP) SetOp(op uint16) { be.PutUint16(h[6:8], op) }

// SetSender writes the sender's addresses.
func (h ARP) SetSender(m MAC, ip uint32) {
	copy(h[8:14], m[:])
	be.PutUint32(h[14:18], ip)
}

// SetTarget writes the target's addresses.
func (h ARP) SetTarget(m MAC, ip uint32) {
	copy(h[18:24], m[:])
	be.PutUint32(h[24:28], ip)
}

// Encode writes all fields; h must have ARPLen bytes.
func (h ARP) Encode(f *ARPFields) {
	_ = h[ARPLen-1]
	be.PutUint64(h[0:8], arpEthernetIPv4<<16|uint64(f.Op))
	h.SetSender(f.SenderMAC, f.SenderIP)
	h.SetTarget(f.TargetMAC, f.TargetIP)
}
