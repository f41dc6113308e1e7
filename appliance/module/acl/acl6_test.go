// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/acl"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

// frame6 returns an IPv6 frame from 2001:db8:: to 2001:db8::1 with TCP or UDP
// ports 10001 and 10002 behind the given extension headers, each of 8 bytes.
func frame6(proto byte, flags byte, chain ...byte) []byte {
	f := binary.BigEndian.AppendUint16(slices.Clone(moduletest.Frame("U1")[:12]), header.TypeIPv6)
	next := append(slices.Clone(chain), proto)
	ip := make([]byte, header.IPv6Len, header.IPv6Len+8*len(chain)+20)
	header.IPv6(ip).Encode(&header.IPv6Fields{PayloadLen: uint16(8*len(chain) + 20), NextHeader: next[0], HopLimit: 64,
		Src: [16]byte{0x20, 1, 0x0d, 0xb8}, Dst: [16]byte{0x20, 1, 0x0d, 0xb8, 15: 1}})
	for _, n := range next[1:] {
		ip = append(ip, n, 0, 0, 0, 0, 0, 0, 0)
	}
	ip = binary.BigEndian.AppendUint16(ip, 10001)
	ip = binary.BigEndian.AppendUint16(ip, 10002)
	ip = append(ip, make([]byte, 16)...)
	ip[len(ip)-7] = flags
	return append(f, ip...)
}

// frames6 are IPv6 frames of all kinds that rules tell apart, and broken ones.
func frames6() [][]byte {
	later := frame6(header.ProtoUDP, 0, 44)
	later[14+header.IPv6Len+3] = 8
	long := frame6(header.ProtoUDP, 0, 60)
	long[14+header.IPv6Len+1] = 255
	return [][]byte{
		frame6(header.ProtoUDP, 0), frame6(header.ProtoTCP, header.TCPAck), frame6(58, 0), frame6(header.ProtoUDP, 0, 0, 43, 60, 44),
		frame6(header.ProtoTCP, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0), frame6(header.ProtoUDP, 0, 51), later, long,
	}
}

// in reports whether a network that a rule names, "" being any, holds an
// address.
func in(cidr string, addr netip.Addr) bool {
	return cidr == "" || netip.MustParsePrefix(cidr).Contains(addr)
}

// modelBoth is model for lists and frames of both families.
func modelBoth(rules []*acl.ACLArg_Rule, f []byte) (number int, kind string) {
	six := binary.BigEndian.Uint16(f[12:]) == header.TypeIPv6
	listSix := slices.ContainsFunc(rules, isSix)
	if six && !listSix || f[12] == 0 {
		return -1, "not_ipv4"
	}
	at, src, dst := 34, f[26:30], f[30:34]
	proto := f[23]
	if six {
		at, src, dst, proto = 54, f[22:38], f[38:54], f[20]
		for proto == 0 || proto == 44 {
			proto, at = f[at], at+8
		}
		if f[20] == 44 && f[57] != 0 {
			proto = 0 // not the first fragment
		}
	}
	s, _ := netip.AddrFromSlice(src)
	d, _ := netip.AddrFromSlice(dst)
	ports := proto == header.ProtoTCP || proto == header.ProtoUDP
	for i, r := range rules {
		if isSix(r) != six || !in(r.SrcIp, s) || !in(r.DstIp, d) ||
			r.SrcPort != 0 && (!ports || r.SrcPort != uint32(binary.BigEndian.Uint16(f[at:]))) ||
			r.DstPort != 0 && (!ports || r.DstPort != uint32(binary.BigEndian.Uint16(f[at+2:]))) ||
			r.Established && (proto != header.ProtoTCP || f[at+13]&0x14 == 0) {
			continue
		}
		return i, ""
	}
	return -1, "no_rule"
}

func isSix(r *acl.ACLArg_Rule) bool { return header.IsIPv6(r.SrcIp) || header.IsIPv6(r.DstIp) }

// draw6 makes a rule for IPv6.
func draw6(rnd *rand.Rand) *acl.ACLArg_Rule {
	r := draw(rnd)
	cidr := func() string {
		return fmt.Sprintf("2001:db8:%x::%x/%d", rnd.IntN(3), rnd.IntN(3), []int{0, 32, 47, 48, 64, 127, 128}[rnd.IntN(7)])
	}
	r.SrcIp, r.DstIp = cidr(), ""
	if rnd.IntN(2) == 0 {
		r.DstIp = cidr()
	}
	if rnd.IntN(3) == 0 {
		r.SrcIp, r.DstIp = "", cidr()
	}
	return r
}

// packetFor6 makes an IPv6 frame with addresses and ports from draw6's pools.
func packetFor6(rnd *rand.Rand) []byte {
	proto := []byte{header.ProtoTCP, header.ProtoUDP, 58}[rnd.IntN(3)]
	chain := [][]byte{nil, nil, {0}, {44}, {0, 0, 0}, {44}}[rnd.IntN(6)]
	f := frame6(proto, byte(rnd.IntN(32)), chain...)
	if len(chain) == 1 && chain[0] == 44 && rnd.IntN(2) == 0 {
		f[57] = 8 // another fragment
	}
	for _, at := range []int{22, 38} {
		f[at+5], f[at+15] = byte(rnd.IntN(3)), byte(rnd.IntN(3))
	}
	at := 54 + 8*len(chain)
	binary.BigEndian.PutUint16(f[at:], uint16(rnd.IntN(4)))
	binary.BigEndian.PutUint16(f[at+2:], uint16(rnd.IntN(4)))
	return f
}

// Lists with rules for both families decide and count as the list scanned
// from the top does, in the order of the packets, also after every change:
// from and to lists of one family too.
func TestBothFamiliesAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 4))
	for _, n := range []int{1, 6, 20, 60, 400} {
		h := moduletest.New(t)
		h.MustCreate("fw", acl.Class, nil)
		for step := range 8 {
			rules := make([]*acl.ACLArg_Rule, n)
			for i := range rules {
				switch kind := step % 4; {
				case kind == 0, kind < 3 && rnd.IntN(2) == 0:
					rules[i] = draw6(rnd)
				default:
					rules[i] = draw(rnd)
				}
			}
			if err := h.Update("fw", arg(rules...)); err != nil {
				t.Fatal(err)
			}
			sendBoth(t, h, rnd, rules)
		}
	}
}

// sendBoth sends batches of both families and compares what comes out and
// what was counted with the model.
func sendBoth(t *testing.T, h *moduletest.Harness, rnd *rand.Rand, rules []*acl.ACLArg_Rule) {
	t.Helper()
	before := stats(h, "fw")
	hits := make([]uint64, len(rules))
	counts := map[string]uint64{"no_rule": -h.Counter("fw", "no_rule"), "not_ipv4": -h.Counter("fw", "not_ipv4")}
	var want [][]byte
	for range 10 {
		var frames [][]byte
		share := rnd.IntN(5) // of IPv4 in this batch
		for range 1 + rnd.IntN(64) {
			f := packetFor6(rnd)
			if rnd.IntN(4) < share {
				f = packetFor(rnd)
			}
			if rnd.IntN(20) == 0 {
				f[12] = 0 // neither
			}
			frames = append(frames, f)
			r, kind := modelBoth(rules, f)
			if r < 0 {
				counts[kind]--
				continue
			}
			hits[r]++
			if !rules[r].Drop {
				want = append(want, f)
			}
		}
		h.Send("fw", 0, frames...)
	}
	if got := h.Out("fw", 0); !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%d rules: %d packets passed, want %d, or others", len(rules), len(got), len(want))
	}
	for i, c := range stats(h, "fw") {
		if c-before[i] != hits[i] {
			t.Fatalf("%d rules: rule %d counted %d, want %d", len(rules), i, c-before[i], hits[i])
		}
	}
	for name, n := range counts {
		if h.Counter("fw", name)+n != 0 {
			t.Fatalf("%d rules: %s is off by %d", len(rules), name, int64(h.Counter("fw", name)+n))
		}
	}
}

// A rule keeps its count when rules of the other family come and go.
func TestCountsOfBothFamilies(t *testing.T) {
	h := moduletest.New(t)
	four, six := src("172.16.0.0/12"), src("2001:db8::/32")
	h.MustCreate("fw", acl.Class, arg(six, four))
	u1, u6 := moduletest.Frame("U1"), frame6(header.ProtoUDP, 0)
	h.Send("fw", 0, u1, u6, u6, u1, u6)
	wantStats(t, h, 3, 2)
	for _, c := range []struct {
		rules []*acl.ACLArg_Rule
		want  []uint64
	}{
		{[]*acl.ACLArg_Rule{four, src("1.1.1.1"), six}, []uint64{2, 0, 3}},
		// The same network written otherwise is the same rule.
		{[]*acl.ACLArg_Rule{src("2001:0DB8:0::9/32"), src("::/0"), four}, []uint64{3, 0, 2}},
		{[]*acl.ACLArg_Rule{four}, []uint64{2}},
	} {
		if err := h.Update("fw", arg(c.rules...)); err != nil {
			t.Fatal(err)
		}
		wantStats(t, h, c.want...)
	}
}

// While rules change, no batch meets the rules for IPv4 of one list and those
// for IPv6 of another: either list lets one family pass whole and drops the
// other.
func TestFamiliesChangeTogether(t *testing.T) {
	h := moduletest.New(t)
	deny := func(r *acl.ACLArg_Rule) *acl.ACLArg_Rule { r.Drop = true; return r }
	lists := []*acl.ACLArg{arg(src(""), deny(src("::/0"))), arg(deny(src("")), src("::/0"))}
	for i := range 30 { // long enough for tables outside the Go heap
		for _, l := range lists {
			l.Rules = append([]*acl.ACLArg_Rule{deny(src(fmt.Sprintf("10.0.%d.0/24", i))), deny(src(fmt.Sprintf("2001:db9:%x::/48", i)))}, l.Rules...)
		}
	}
	h.MustCreate("fw", acl.Class, lists[0])
	h.Open("fw", 0)
	var frames [][]byte
	for range 32 {
		frames = append(frames, moduletest.Frame("U1"), frame6(header.ProtoUDP, 0))
	}
	h.Send("fw", 0, frames...)
	var stop atomic.Bool
	var done sync.WaitGroup
	done.Go(func() {
		defer stop.Store(true)
		for i := range 500 {
			if err := h.Update("fw", lists[(i+1)%2]); err != nil {
				t.Error(err)
			}
		}
	})
	for !stop.Load() {
		before := h.Counter("fw", "allowed")
		h.Send("fw", 0, frames...)
		if n := h.Counter("fw", "allowed") - before; n != 32 {
			t.Errorf("%d packets of a batch pass, want 32: it met two lists", n)
			break
		}
	}
	done.Wait()
}

func TestNoAllocs6(t *testing.T) {
	for _, n := range []int{1, 100} {
		h := moduletest.New(t)
		h.MustCreate("fw", acl.Class, rulesOf6(n))
		h.NoAllocs("fw", append(frames6(), moduletest.Frame("U1"), moduletest.Frame("A1"))...)
	}
}

// rulesOf6 returns a list of n rules for IPv6 and one for IPv4, each of which
// lets what it is for pass by its last rule.
func rulesOf6(n int) *acl.ACLArg {
	a := &acl.ACLArg{}
	for i := range n - 1 {
		a.Rules = append(a.Rules, &acl.ACLArg_Rule{SrcIp: fmt.Sprintf("2001:db9:%x::/%d", i, 48+i%2*16), DstPort: uint32(i%1000 + 1)})
	}
	a.Rules = append(a.Rules, src("2001:db8::/32"), src("172.16.0.0/12"))
	return a
}

// BenchmarkACL6 measures IPv6 packets, with ports behind extension headers
// too, and IPv4 packets in the same list.
func BenchmarkACL6(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			moduletest.Bench(b, acl.Class, rulesOf6(n), frame6(header.ProtoUDP, 0))
		})
	}
	b.Run("extensions", func(b *testing.B) {
		moduletest.Bench(b, acl.Class, rulesOf6(1), frame6(header.ProtoUDP, 0, 0, 60))
	})
	b.Run("mixed", func(b *testing.B) {
		moduletest.Bench(b, acl.Class, rulesOf6(1), frame6(header.ProtoUDP, 0), moduletest.Frame("U1"))
	})
	b.Run("ipv4", func(b *testing.B) { moduletest.Bench(b, acl.Class, rulesOf6(1), moduletest.Frame("U1")) })
}
