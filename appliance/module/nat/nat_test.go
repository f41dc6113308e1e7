// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", Class) }

func oneAddr(addr string, ranges ...*NATArg_PortRange) *NATArg {
	return &NATArg{ExtAddrs: []*NATArg_ExternalAddress{{ExtAddr: addr, PortRanges: ranges}}}
}

func TestErrorTexts(t *testing.T) {
	for want, a := range map[string]*NATArg{
		"ext_addrs: 0 addresses: at least one external IP address must be given, at most 1024":                                                     {},
		`ext_addrs[0].ext_addr: invalid IP address: "1.2.3": must be an IPv4 address (a.b.c.d)`:                                                    oneAddr("1.2.3"),
		"ext_addrs[0].port_ranges[0]: 9..9: Port range for address 1.2.3 is malformed: begin must be below end, and both at most 65535":            oneAddr("1.2.3", &NATArg_PortRange{Begin: 9, End: 9}),
		"ext_addrs[0].port_ranges[0]: 4294967295..1: Port range for address 1.2.3.4 is malformed: begin must be below end, and both at most 65535": oneAddr("1.2.3.4", &NATArg_PortRange{Begin: 1<<32 - 1, End: 1}),
		"ext_addrs[0].port_ranges[1]: 9..20: Port range for address 1.2.3.4 is malformed: overlaps port_ranges[0]":                                 oneAddr("1.2.3.4", &NATArg_PortRange{Begin: 1, End: 10}, &NATArg_PortRange{Begin: 9, End: 20}),
		`ext_addrs: "1.2.3.4": is given twice; put its ranges together`:                                                                            {ExtAddrs: []*NATArg_ExternalAddress{{ExtAddr: "1.2.3.4"}, {ExtAddr: "1.2.3.4"}}},
	} {
		_, err := create(nil, a)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// S8: one inside endpoint has one outside endpoint, whoever it talks to.
func TestMappingIsIndependentOfDestination(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1"))
	a := sent{header.ProtoUDP, "172.16.0.1", 5000, "8.8.8.8", 53, 0}
	first := r.out(a)
	a.dst, a.dport = "9.9.9.9", 99
	if second := r.out(a); second.sport != first.sport || second.src != first.src {
		t.Errorf("%v, then %v", first, second)
	}
	// And anybody may answer.
	back := sent{header.ProtoUDP, "7.7.7.7", 7, first.src, first.sport, 0}
	if got := r.in(back); got.dst != "172.16.0.1" || got.dport != 5000 {
		t.Errorf("answer went to %v", got)
	}
}

// S9 and the defects of ranges: ports below 1024 get such ports and never 0,
// 1023 is one of them, and the end does not belong to the range. All ports of
// a range can be used: in the original a search gave up after 128 tries.
func TestPortsOfRanges(t *testing.T) {
	for _, c := range []struct {
		begin, end uint32
		proto      uint8
		sport      uint16
		want       []uint16
	}{
		{0, 3, header.ProtoUDP, 100, []uint16{1, 2}},
		{1020, 2000, header.ProtoTCP, 1023, []uint16{1020, 1021, 1022, 1023}},
		{1020, 1026, header.ProtoTCP, 1024, []uint16{1024, 1025}},
		{0, 3, header.ProtoICMP, 100, []uint16{0, 1, 2}},
		{1023, 1024, header.ProtoUDP, 5, []uint16{1023}},
		{1024, 2000, header.ProtoUDP, 5, nil},
		{1, 1024, header.ProtoUDP, 5000, nil},
	} {
		r := newRig(t, oneAddr("1.1.1.1", &NATArg_PortRange{Begin: c.begin, End: c.end}))
		var got []uint16
		for i := range len(c.want) {
			got = append(got, r.out(sent{c.proto, fmt.Sprintf("172.16.0.%d", i), c.sport, "8.8.8.8", 53, 0}).sport)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%d..%d for port %d: %v, want %v", c.begin, c.end, c.sport, got, c.want)
		}
		r.dropped(gateInside, countNoPort, sent{c.proto, "172.16.1.1", c.sport, "8.8.8.8", 53, 0})
	}
}

// All 64,512 upper ports of an address can be used.
func TestAllPortsAreUsed(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 1, End: 65535}))
	used := map[uint16]bool{}
	for i := range 64511 {
		p := r.out(sent{header.ProtoUDP, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), 5000, "8.8.8.8", 53, 0}).sport
		if p < 1024 || used[p] {
			t.Fatalf("mapping %d got port %d again", i, p)
		}
		used[p] = true
	}
	r.dropped(gateInside, countNoPort, sent{header.ProtoUDP, "11.0.0.1", 5000, "8.8.8.8", 53, 0})
	if d := r.m.Desc(); d != "64511 entries" {
		t.Error(d)
	}
	// The memory of a table is bounded too.
	r.m.table.mappings = r.m.table.mappings[:r.m.table.fresh]
	r.dropped(gateInside, countFull, sent{header.ProtoTCP, "11.0.0.1", 5000, "8.8.8.8", 53, 0})
}

// An inside host may have the address of an outside endpoint: in the original
// both directions shared a table and took each other's entries.
func TestInsideHostWithOutsideAddress(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 40000, End: 40002}))
	a := r.out(sent{header.ProtoUDP, "172.16.0.1", 5000, "8.8.8.8", 53, 0})
	b := r.out(sent{header.ProtoUDP, "1.1.1.1", a.sport, "8.8.8.8", 53, 0})
	if b.sport == a.sport || b.src != "1.1.1.1" {
		t.Fatalf("%v and %v", a, b)
	}
	if got := r.in(sent{header.ProtoUDP, "8.8.8.8", 53, "1.1.1.1", a.sport, 0}); got.dst != "172.16.0.1" {
		t.Errorf("answer went to %v", got)
	}
	if got := r.in(sent{header.ProtoUDP, "8.8.8.8", 53, "1.1.1.1", b.sport, 0}); got.dst != "1.1.1.1" || got.dport != a.sport {
		t.Errorf("answer went to %v", got)
	}
}

// Mappings end by themselves, each protocol after its time; in the original
// they stayed until somebody needed the port.
func TestTimeouts(t *testing.T) {
	const syn, ack, fin, rst = header.TCPSyn, header.TCPAck, header.TCPFin, header.TCPRst
	for _, c := range []struct {
		name    string
		proto   uint8
		flags   []uint8 // out, in, out, in, …
		timeout uint64
	}{
		{"UDP", header.ProtoUDP, []uint8{0}, 300},
		{"ICMP", header.ProtoICMP, []uint8{0}, 60},
		{"TCP half open", header.ProtoTCP, []uint8{syn}, 240},
		{"TCP refused", header.ProtoTCP, []uint8{syn, rst | ack}, 240},
		{"TCP open", header.ProtoTCP, []uint8{syn, syn | ack, ack}, 7440},
		{"TCP opened from outside", header.ProtoTCP, []uint8{ack, syn, syn | ack}, 7440},
		{"TCP closed inside", header.ProtoTCP, []uint8{syn, syn | ack, ack, ack, fin | ack}, 240},
		{"TCP reset outside", header.ProtoTCP, []uint8{syn, syn | ack, ack, rst, ack}, 240},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, oneAddr("1.1.1.1"))
			a := sent{c.proto, "172.16.0.1", 5000, "8.8.8.8", 53, 0}
			var ext sent
			answer := func() sent { return sent{c.proto, "8.8.8.8", 53, ext.src, ext.sport, ack} }
			for i, f := range c.flags {
				if a.flags = f; i%2 == 0 {
					ext = r.out(a)
					continue
				}
				back := answer()
				back.flags = f
				r.in(back)
			}
			r.now += c.timeout
			r.in(answer())
			if d := r.m.Desc(); d != "1 entries" {
				t.Error(d)
			}
			// Only the inside keeps a mapping alive.
			r.now++
			r.dropped(gateOutside, countNoMapping, answer())
			if d := r.m.Desc(); d != "0 entries" {
				t.Error(d)
			}
		})
	}
}

// Workers remove old mappings as they go, within 16 seconds.
func TestSweep(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1"))
	for i := range 40000 {
		r.out(sent{header.ProtoUDP, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), 5000, "8.8.8.8", 53, 0})
	}
	r.now += timeoutUDP + 1
	for range sweepSeconds {
		r.now++
		r.out(sent{header.ProtoTCP, "172.16.0.1", 5000, "8.8.8.8", 53, 0})
	}
	if n := r.m.table.live.Load(); n != 1 {
		t.Errorf("%d mappings left", n)
	}
}

// A port whose mapping is old can be had at once.
func TestOldPortIsReused(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 4000, End: 4001}))
	a, b := sent{header.ProtoUDP, "172.16.0.1", 5000, "8.8.8.8", 53, 0}, sent{header.ProtoUDP, "172.16.0.2", 5000, "8.8.8.8", 53, 0}
	r.out(a)
	r.now += timeoutUDP
	r.dropped(gateInside, countNoPort, b)
	r.now++
	r.m.swept.Store(uint32(r.now)) // only the allocation looks for it
	r.out(b)
	if got := r.in(sent{header.ProtoUDP, "8.8.8.8", 53, "1.1.1.1", 4000, 0}); got.dst != "172.16.0.2" {
		t.Errorf("answer went to %v", got)
	}
	r.dropped(gateInside, countNoPort, a)
}

// Addresses and ranges can change: mappings that still fit go on, the others
// end, and nothing is left of addresses that are gone.
func TestUpdate(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 4000, End: 5000}))
	a := sent{header.ProtoUDP, "172.16.0.1", 5000, "8.8.8.8", 53, 0}
	ext := r.out(a)
	update := func(arg *NATArg) {
		t.Helper()
		if err := r.m.Update(arg); err != nil {
			t.Fatal(err)
		}
	}
	update(&NATArg{ExtAddrs: []*NATArg_ExternalAddress{{ExtAddr: "2.2.2.2"}, {ExtAddr: "1.1.1.1", PortRanges: []*NATArg_PortRange{{Begin: uint32(ext.sport), End: uint32(ext.sport) + 1}}}}})
	if got := r.out(a); got != ext {
		t.Errorf("%v became %v", ext, got)
	}
	if r.m.Update(oneAddr("x")) == nil || !proto.Equal(r.m.initial, r.m.conf.Load().arg) || len(r.m.initial.GetExtAddrs()) != 2 {
		t.Error("a bad argument was taken")
	}
	update(oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 1, End: 4000}))
	r.dropped(gateOutside, countNoMapping, sent{header.ProtoUDP, "8.8.8.8", 53, "1.1.1.1", ext.sport, 0})
	if got := r.out(a); got.sport >= 4000 {
		t.Errorf("port %d", got.sport)
	}
	for i := range 100 {
		update(oneAddr(fmt.Sprintf("3.3.3.%d", i)))
		if got := r.out(a); got.src != fmt.Sprintf("3.3.3.%d", i) {
			t.Fatal(got)
		}
		if d := r.m.Desc(); d != "1 entries" {
			t.Fatal(d)
		}
	}
	if n := len(r.m.table.spaces); n > 3 {
		t.Errorf("memory of %d addresses for one", n)
	}
}

// A checksum that is left to the hardware stays the sum of the pseudo header.
func TestPartialChecksum(t *testing.T) {
	r := newRig(t, oneAddr("1.1.1.1"))
	for _, pr := range []uint8{header.ProtoTCP, header.ProtoUDP} {
		f := sent{pr, "172.16.0.1", 5000, "8.8.8.8", 53, 0}.frame()
		ip, _ := header.ParseIPv4(f, 14)
		at := map[uint8]int{header.ProtoTCP: 16, header.ProtoUDP: 6}[pr]
		l4 := ip.Payload()
		binary.BigEndian.PutUint16(l4[at:], header.Fold(header.PseudoSum(ip.Src(), ip.Dst(), pr, uint16(len(l4)))))
		r.partial = true
		out := r.send(gateInside, f)[gateOutside][0]
		ip, _ = header.ParseIPv4(out, 14)
		l4 = ip.Payload()
		if got, want := binary.BigEndian.Uint16(l4[at:]), header.Fold(header.PseudoSum(ip.Src(), ip.Dst(), pr, uint16(len(l4)))); got != want {
			t.Errorf("protocol %d: %04x, want %04x", pr, got, want)
		}
	}
}

// With several addresses a host always has the same one.
func TestAddressOfHost(t *testing.T) {
	a := &NATArg{}
	for i := range 1000 {
		a.ExtAddrs = append(a.ExtAddrs, &NATArg_ExternalAddress{ExtAddr: fmt.Sprintf("1.2.%d.%d", i%7, i%251)})
		if i%251 != i%251 || i >= 700 {
			break
		}
	}
	r := newRig(t, a)
	used := map[string]bool{}
	for i := range 300 {
		first := r.out(sent{header.ProtoUDP, fmt.Sprintf("10.0.0.%d", i%256), uint16(2000 + i), "8.8.8.8", 53, 0})
		again := r.out(sent{header.ProtoTCP, fmt.Sprintf("10.0.0.%d", i%256), uint16(3000 + i), "8.8.8.8", 53, 0})
		if first.src != again.src {
			t.Fatalf("%s and %s", first.src, again.src)
		}
		used[first.src] = true
		if got := r.in(sent{header.ProtoUDP, "8.8.8.8", 53, first.src, first.sport, 0}); got.dport != uint16(2000+i) {
			t.Fatal(got)
		}
	}
	if len(used) < 100 {
		t.Errorf("only %d addresses used", len(used))
	}
	// CRC-32C of the bytes of the address, modulo the number of addresses.
	if e := r.m.conf.Load().choose(0x0a000001); e.addr != r.m.conf.Load().addrs[header.CRC32C(0, []byte{10, 0, 0, 1})%uint32(len(a.ExtAddrs))].addr {
		t.Error("another address")
	}
}
