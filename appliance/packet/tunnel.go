// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// IPv4Places are the places of attributes in the metadata. Negative ones are
// not read or written.
type IPv4Places struct{ Src, Dst, Proto, NextHop, Type int }

// PushIPv4 puts an IPv4 header made of Src, Dst and Proto in front of at most
// BatchSize packets, as IPEncap does, writes the destination to NextHop and the
// EtherType to Type. What is left alone, for want of headroom or places or
// because it is too long, is returned in bits; on some processors that is all.
func PushIPv4(ps []Packet, at IPv4Places) (left uint64) {
	if !readable(at.Src, 4) || !readable(at.Dst, 4) || !readable(at.Proto, 1) || !writable(at.NextHop, 4) || !writable(at.Type, 2) {
		return all(ps)
	}
	return pushIPv4(ps, at.Src, at.Dst, at.Proto, at.NextHop, at.Type)
}

// VXLANPlaces are the places of attributes in the metadata. Negative ones are
// not written.
type VXLANPlaces struct{ Src, Dst, ID int }

// PullVXLAN removes the headers of VXLAN over IPv4 from at most BatchSize frames
// and writes what they said to the metadata, as VXLANDecap does. Which are not
// VXLAN, or have tags, options, or bytes behind the inner frame, is returned in
// bits; on some processors that is all.
func PullVXLAN(ps []Packet, at VXLANPlaces) (left uint64) {
	if !writable(at.Src, 4) || !writable(at.Dst, 4) || !writable(at.ID, 4) {
		return all(ps)
	}
	return pullVXLAN(ps, at.Src, at.Dst, at.ID)
}

// readable and writable report whether size bytes at off are in the metadata
// area; what has no place need not be written.
func readable(off, size int) bool { return off >= 0 && off <= MetadataSize-size }

func writable(off, size int) bool { return off <= MetadataSize-size }
