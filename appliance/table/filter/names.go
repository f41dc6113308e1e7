// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

// EtherTypes by name.
var etherTypes = map[string]uint32{
	"ip": 0x0800, "ip6": 0x86dd, "arp": 0x0806, "rarp": 0x8035, "loopback": 0x9000, "atalk": 0x809b, "aarp": 0x80f3,
	"decnet": 0x6003, "lat": 0x6004, "moprc": 0x6002, "mopdl": 0x6001, "sca": 0x6007,
}

// transports are IP protocols with a primitive of their own; v4 and v6 tell in
// which IP they are looked for.
var transports = map[string]struct {
	number uint32
	v4, v6 bool
}{
	"tcp": {6, true, true}, "udp": {17, true, true}, "sctp": {132, true, true}, "ah": {51, true, true}, "esp": {50, true, true},
	"pim": {103, true, true}, "icmp": {1, true, false}, "igmp": {2, true, false}, "igrp": {9, true, false},
	"vrrp": {112, true, false}, "carp": {112, true, false}, "icmp6": {58, false, true},
}

// protocols are names that proto takes beside those of transports.
var protocols = map[string]uint32{"gre": 47, "ipip": 4, "ipv6": 41, "ospf": 89, "eigrp": 88, "rsvp": 46, "l2tp": 115, "dccp": 33, "udplite": 136}

// services are names of ports (IANA). Those that belong to one protocol mean
// that one only if no other is given.
var services = map[string]struct{ number, carrier uint32 }{
	"ftp-data": {20, 6}, "ftp": {21, 6}, "ssh": {22, 6}, "telnet": {23, 6}, "smtp": {25, 6}, "domain": {53, 0}, "bootps": {67, 17},
	"bootpc": {68, 17}, "tftp": {69, 17}, "http": {80, 6}, "www": {80, 6}, "pop3": {110, 6}, "sunrpc": {111, 0}, "ntp": {123, 17},
	"imap2": {143, 6}, "imap": {143, 6}, "snmp": {161, 0}, "snmp-trap": {162, 0}, "bgp": {179, 6}, "ldap": {389, 0}, "https": {443, 0},
	"isakmp": {500, 17}, "syslog": {514, 17}, "ldaps": {636, 0}, "imaps": {993, 6}, "pop3s": {995, 6}, "nfs": {2049, 0},
	"mysql": {3306, 6}, "postgresql": {5432, 6}, "sip": {5060, 0},
}

// constants are numbers with a name, used in brackets and comparisons.
var constants = map[string]uint32{
	"tcpflags": 13, "tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16, "tcp-urg": 32, "tcp-ece": 64, "tcp-cwr": 128,
	"icmptype": 0, "icmpcode": 1, "icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13, "icmp-tstampreply": 14,
	"icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,
	"icmp6type": 0, "icmp6code": 1, "icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3,
	"icmp6-parameterproblem": 4, "icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133, "icmp6-routeradvert": 134,
	"icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
}

// unsupported are words of the language that are refused, with the reason.
var unsupported = map[string]string{
	"mpls": "labels are not looked into", "pppoed": "PPPoE is not looked into", "pppoes": "PPPoE is not looked into",
	"geneve": "tunnels are not looked into", "gateway": "host names are not resolved", "inbound": "a frame in a pipeline has no direction",
	"outbound": "a frame in a pipeline has no direction", "ifname": "a frame in a pipeline has no interface",
	"on": "a frame in a pipeline has no interface", "type": "frames are Ethernet, not 802.11", "wlan": "frames are Ethernet, not 802.11",
	"protochain": "loops over headers are not supported", "llc": "LLC is not looked into", "iso": "LLC is not looked into",
	"stp": "LLC is not looked into", "ipx": "LLC is not looked into", "netbeui": "LLC is not looked into", "action": "there is no packet filter log",
}
