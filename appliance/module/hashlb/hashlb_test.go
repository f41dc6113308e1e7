// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hashlb

import (
	"bytes"
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", Class) }

func hashL2(d []byte) uint32 { return header.CRC32CUint32(0, wordL2(d)) }

func hashIP(d []byte, l4 bool) (h uint32, ip bool) {
	w, ip := wordIP(d, l4)
	return header.CRC32CUint32(0, w), ip
}

// The hash values of the specification.
func TestHashesOfTheSpecification(t *testing.T) {
	u1, t1 := moduletest.Frame("U1"), moduletest.Frame("T1")
	l3, _ := hashIP(u1, false)
	l4, _ := hashIP(u1, true)
	tcp, _ := hashIP(t1, true)
	for name, c := range map[string][2]uint32{
		"C37": {hashL2(u1), 0xb787d287}, "C38": {l3, 0xff74f696}, "C39": {l4, 0x217b2d60}, "C40": {tcp, 0xd11f2497},
		"C41": {hashWords([]uint64{7 << 8}), 0x1de5b089},
		"C42": {hashWords([]uint64{binary.LittleEndian.Uint64(u1[26:])}), 0x7c205935},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: hash %08x, want %08x", name, c[0], c[1])
		}
	}
}

// udp6 is an IPv6 packet between two hosts, in either direction, with next
// header and the bytes behind the header.
func udp6(back bool, next byte, payload []byte) []byte {
	f := make([]byte, 14+header.IPv6Len)
	binary.BigEndian.PutUint16(f[12:], header.TypeIPv6)
	src, dst := [16]byte{0x20, 1, 15: 1}, [16]byte{0x20, 2, 15: 9}
	if back {
		src, dst = dst, src
	}
	header.IPv6(f[14:]).Encode(&header.IPv6Fields{PayloadLen: uint16(len(payload)), NextHeader: next, HopLimit: 64, Src: src, Dst: dst})
	return append(f, payload...)
}

func TestIPv6(t *testing.T) {
	there, back := udp6(false, 17, []byte{0, 53, 4, 0, 0, 8, 0, 0}), udp6(true, 17, []byte{4, 0, 0, 53, 0, 8, 0, 0})
	otherPort := udp6(false, 17, []byte{0, 53, 4, 1, 0, 8, 0, 0})
	for _, l4 := range []bool{false, true} {
		a, ip := hashIP(there, l4)
		b, _ := hashIP(back, l4)
		c, _ := hashIP(otherPort, l4)
		if !ip || a != b || (a == c) == l4 {
			t.Errorf("l4 %v: IP %v, hashes %08x, %08x back, %08x for another port", l4, ip, a, b, c)
		}
	}
	// A first fragment, with ports, and the next one, without.
	first, _ := hashIP(udp6(false, 44, []byte{17, 0, 0, 1, 1, 1, 1, 1, 0, 53, 4, 0}), true)
	next, _ := hashIP(udp6(false, 44, []byte{17, 0, 0, 9, 1, 1, 1, 1, 9, 9, 9, 9}), true)
	if first != next {
		t.Error("fragments are parted")
	}
	cut := there[:14+header.IPv6Len-1]
	if h, ip := hashIP(cut, true); ip || h != hashL2(cut) {
		t.Error("a header cut short is not hashed as Ethernet")
	}
	if h, ip := hashIP(there[:14+header.IPv6Len+3], true); !ip || h == 0 {
		t.Error("ports cut short")
	}
}

// The pieces of a datagram, and the packets of protocols without ports, stay
// together.
func TestFragmentsStayTogether(t *testing.T) {
	u1 := moduletest.Frame("U1")
	frag := func(field uint16, port byte) uint32 {
		f := bytes.Clone(u1)
		binary.BigEndian.PutUint16(f[20:], field)
		f[35] = port
		h, _ := hashIP(f, true)
		return h
	}
	if frag(0x2000, 1) != frag(0x0010, 2) {
		t.Error("fragments are parted")
	}
	if frag(0x4000, 1) == frag(0x4000, 2) {
		t.Error("ports of whole packets do not count")
	}
	icmp := moduletest.Frame("I1")
	a, _ := hashIP(icmp, true)
	icmp[36]++ // its checksum
	if b, _ := hashIP(icmp, true); a != b {
		t.Error("ICMP packets are parted by their checksum")
	}
	u1[14] = 0x44 // a header length below 20
	if a, ip := hashIP(u1, true); !ip || a == 0 {
		t.Error("a bad header length")
	}
	if _, ip := hashIP(moduletest.Frame("U1")[:36], true); !ip {
		t.Error("ports cut short")
	}
}

// Each of n gates gets its share of many flows.
func TestSharesAreEqual(t *testing.T) {
	for _, n := range []uint64{2, 3, 7, 16} {
		count := make([]int, n)
		u1 := moduletest.Frame("U1")
		for i := range 20_000 {
			binary.BigEndian.PutUint32(u1[26:], uint32(i)*2654435761)
			binary.BigEndian.PutUint16(u1[34:], uint16(i))
			h, _ := hashIP(u1, true)
			count[uint64(h)*n>>32]++
		}
		for g, c := range count {
			if mean := 20_000 / int(n); c < mean*9/10 || c > mean*11/10 {
				t.Errorf("%d gates: gate %d has %d of 20000 flows", n, g, c)
			}
		}
	}
}

func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("lb", Class, &HashLBArg{Gates: []int64{1}})
	h.Storm("lb", 3, [][]byte{moduletest.Frame("U1"), moduletest.Frame("A1"), {1}}, func() {
		for i := range 3000 {
			gates := make([]int64, 1+i%9)
			if _, err := h.Command("lb", "set_gates", &HashLBCommandSetGatesArg{Gates: gates}); err != nil {
				t.Error(err)
			}
			if _, err := h.Command("lb", "set_mode", &HashLBCommandSetModeArg{Mode: []string{"l2", "l3", "l4"}[i%3]}); err != nil {
				t.Error(err)
			}
		}
	})
	if n := h.Counter("lb", "no_gates"); n != 0 {
		t.Errorf("%d packets found no gates", n)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("lb", Class, &HashLBArg{Gates: []int64{0, 1, 2}})
	h.NoAllocs("lb", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("A1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, Class, func(seed []byte) proto.Message { return moduletest.NewDrawer(seed).Message(Class.Arg) })
}

func FuzzCommands(f *testing.F) { moduletest.FuzzCommands(f, Class, nil) }

// BenchmarkPipeline is Source -> Rewrite -> HashLB -> Sink with four gates.
func BenchmarkPipeline(b *testing.B) {
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = append(moduletest.Frame("U1"), make([]byte, 8)...)
		frames[i][29] = byte(i)
	}
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: frames}}
	for _, mode := range []string{"l2", "l3", "l4"} {
		b.Run(mode, func(b *testing.B) {
			moduletest.BenchPipeline(b, 4, nil, moduletest.Stage{Class: source.Class}, rw,
				moduletest.Stage{Class: Class, Arg: &HashLBArg{Gates: []int64{0, 1, 2, 3}, Mode: mode}}, moduletest.Stage{Class: sink.Class})
		})
	}
	b.Run("without", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, moduletest.Stage{Class: source.Class}, rw, moduletest.Stage{Class: sink.Class})
	})
}
