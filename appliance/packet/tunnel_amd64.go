// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// What follows needs nothing that not all processors of this kind have. The
// compiler keeps too little of it in registers.

//go:noescape
func pushIPv4(ps []Packet, src, dst, proto, nextHop, typ int) (left uint64)

//go:noescape
func pullVXLAN(ps []Packet, src, dst, id int) (left uint64)
