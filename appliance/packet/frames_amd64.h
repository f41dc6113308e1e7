// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Sizes of headers, in bytes: of IPv4 without options, and of all that VXLAN
// puts in front of a frame.
#define sizeEthernet 14
#define sizeIPv4 20
#define sizeUDP 8
#define sizeVXLAN 8
#define sizeTunnel 50

// What frames have, as numbers read with the first byte at the bottom.
#define typeIPv4 0x0008
// Bytes 12..14, EtherType, version and header length: IPv4 without options.
#define plainStart 0x450008
#define plainStartMask 0xffffff
// Bytes 20..23: fragments have bits in the first two; the last is the protocol.
#define pieceBits 0xff3f
#define udpPiece 0x11000000
#define udpPieceMask 0xff00ff3f
#define protoTCP 6
#define protoUDP 17
// Byte 0 of VXLAN: the identifier is valid.
#define vxlanValid 0x08

// An IPv4 header that is made: bytes 0..7 without the length, not to be
// fragmented; what they add to the checksum; the TTL; the longest payload.
#define ipv4Start 0x0040000000000045
#define ipv4Sum 0x85
#define ipv4TTL 64
#define ipv4Longest 65515
