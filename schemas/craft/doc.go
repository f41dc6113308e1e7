// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package craft makes packets from layers. Lengths, checksums and the fields
// that name the next layer are filled in.
//
// A packet is a map of layers, in any order:
//
//	eth: {src: "02:1e:67:9f:4d:ae", dst: "06:16:3e:1b:72:32"}
//	ip:  {src: 172.16.100.1, dst: 10.0.0.1}
//	udp: {src: 10001, dst: 10002}
//	payload: helloworld
//
// or, for tunnels and unusual stacks, a list of maps with one layer each,
// outermost first. The map form orders its layers eth, vlan, mpls, one of arp,
// ip and ipv6, one of udp, tcp, sctp, icmp, icmpv6 and gre, one of vxlan and
// gtpu, payload. Null means absent. Fields, with "!" after required ones:
//
//	eth     src! dst! (MAC), type
//	vlan    id! (0..4095), pcp (0..7), dei, tpid (0x8100), type; a bare number is
//	        the id; in the map form a list is a stack, outermost first
//	mpls    label! (0..1048575), tc (0..7), ttl (64), bottom (set on the last
//	        label); a bare number is the label; a list is a stack
//	arp     op (request, reply or a number; request), sender_ip! target_ip!,
//	        sender_mac (eth.src), target_mac (zero)
//	ip      src! dst!, also written ipv4: ttl (64), id (0), tos or dscp (0..63) and
//	        ecn (0..3), proto, flags (df, mf, evil), frag (offset in units of 8
//	        bytes), options (bytes, up to 40), length, checksum
//	ipv6    src! dst!, hop_limit or ttl (64), tclass or tos or dscp and ecn, flow
//	        (0..1048575), proto or next_header, length
//	udp     src or sport! dst or dport! (default 4789 before vxlan, 2152 before
//	        gtpu), length, checksum
//	tcp     src or sport! dst or dport!, seq (0), ack (0), flags (SYN), window
//	        (8192), urgent (0), options (bytes, up to 40), checksum
//	sctp    src or sport! dst or dport!, tag (0), checksum; chunks are payload
//	icmp    type (8, echo request), code (0), id (0), seq (0), checksum
//	icmpv6  type (128, echo request), code (0), checksum; id (0) and seq (0) exist
//	        in types 128 and 129 only
//	gre     proto, key, seq, checksum (true or false)
//	vxlan   vni! (0..16777215)
//	gtpu    teid! (0..4294967295), type (255), seq
//	payload text; {hex: "…"}, {base64: "…"}, {text: "…"}; {zero: n} is n zero
//	        bytes; {repeat: n, …} repeats one of the former n times; or a list of
//	        these, joined
//	pad_to  zero bytes at the end up to this packet length (60 is Ethernet's
//	        minimum; nothing is padded unasked)
//
// eth.type, ip.proto and their like follow from the next layer and must be given
// when it does not tell (a payload). They take numbers or names (ipv4, arp, ipv6,
// vlan, qinq, mpls; icmp, tcp, udp, ipv6, gre, icmpv6, sctp, ipip). tcp flags are
// letters ("SA" of F S R P A U E C N), a list of names (["syn", "ack"]), a map
// ({syn: true, ack: true}) or a number; ip flags are a name, a list, a map or a
// number. Given lengths and checksums replace the computed ones, right or wrong. A
// computed UDP checksum of 0 is sent as 0xffff (RFC 768).
package craft
