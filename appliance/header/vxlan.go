// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// VXLANLen is the length of a VXLAN header in bytes (RFC 7348).
const VXLANLen = 8

// vxlanValid is the flag that says the network identifier is valid.
const vxlanValid = 0x08

// VXLAN is a VXLAN header and the frame behind it.
type VXLAN []byte

// ParseVXLAN returns the header at off if it is complete and its network
// identifier is valid.
func ParseVXLAN(b []byte, off int) (VXLAN, bool) {
	h, ok := from(b, off, VXLANLen)
	if !ok || !VXLAN(h).Valid() {
		return nil, false
	}
	return h, true
}

// Valid reports whether the header says that its network identifier is valid.
func (h VXLAN) Valid() bool { return h[0]&vxlanValid != 0 }

// VNI returns the network identifier, 24 bits.
func (h VXLAN) VNI() uint32 { return be.Uint32(h[4:8]) >> 8 }

// Encode writes a header with the low 24 bits of vni; h must have VXLANLen
// bytes.
func (h VXLAN) Encode(vni uint32) { be.PutUint64(h[0:8], vxlanValid<<56|uint64(vni&0xff_ffff)<<8) }
