// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package filter compiles filter expressions as tcpdump takes them,
// pcap-filter(7), for Ethernet frames, and decides frames by them.
//
// An expression becomes a graph of tests of one load and one comparison each,
// stored in an array:
//
//	"udp"   5: [12:2] == 0x0800 ? 4 : 3     3: [12:2] == 0x86dd ? 2 : no
//	        4: [23:1] == 17 ? match : 3     2: [20:1] == 17 ? match : 1
//	                                        1: ...
//
// What a test leads to is in front of it, so that one way through the array,
// from its end, makes all tests for a whole batch of packets.
//
// Comparisons of computed values (tcp[tcpflags] & tcp-syn != 0) with a load, a
// mask and a constant are such tests, too; others are computed on a stack.
//
// What it decides is what the code of libpcap decides (tcpdump -O): numbers are 32 bits without
// sign, a load beyond the end of the frame and a division by zero end the
// filter without a match, "and" and "or" bind equally and from the left, vlan
// moves what is written behind it. Left out, with an error that says so: mpls,
// pppoe and geneve, host names, and what is not known of a frame in a pipeline
// (inbound, ifname, ...).
package filter
