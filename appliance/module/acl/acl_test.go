// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/acl"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", acl.Class) }

func arg(rules ...*acl.ACLArg_Rule) *acl.ACLArg { return &acl.ACLArg{Rules: rules} }

func src(cidr string) *acl.ACLArg_Rule { return &acl.ACLArg_Rule{SrcIp: cidr} }

// Errors name the rule, the field and the value.
func TestErrorTexts(t *testing.T) {
	for _, c := range []struct {
		rule *acl.ACLArg_Rule
		want string
	}{
		{&acl.ACLArg_Rule{SrcIp: "10.0.0.0/40"}, `rules[1].src_ip: "10.0.0.0/40": prefix length must be 0..32`},
		{&acl.ACLArg_Rule{DstIp: "hello"}, `rules[1].dst_ip: "hello": must be an IPv4 network (a.b.c.d/len)`},
		{&acl.ACLArg_Rule{SrcIp: "2001:db8::/129"}, `rules[1].src_ip: "2001:db8::/129": prefix length must be 0..128`},
		{&acl.ACLArg_Rule{SrcIp: "::/0", DstIp: "hello"}, `rules[1].dst_ip: "hello": must be an IPv6 network (x:x::/len)`},
		{&acl.ACLArg_Rule{SrcIp: "10.0.0.0/8", DstIp: "2001:db8::1"},
			`rules[1].src_ip: "10.0.0.0/8": must be of the same family, IPv4 or IPv6, as dst_ip "2001:db8::1"`},
		{&acl.ACLArg_Rule{SrcIp: "::/0", DstIp: "10.0.0.1"},
			`rules[1].src_ip: "::/0": must be of the same family, IPv4 or IPv6, as dst_ip "10.0.0.1"`},
		{&acl.ACLArg_Rule{SrcPort: 65536}, `rules[1].src_port: 65536: must be 0..65535`},
		{&acl.ACLArg_Rule{DstPort: 1 << 31}, `rules[1].dst_port: 2147483648: must be 0..65535`},
	} {
		// Without the harness, which checks the rules of the .proto file first.
		_, err := acl.Class.New(module.NewEnv("fw", nil, nil), arg(src(""), c.rule))
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// stats returns the counts by rule.
func stats(h *moduletest.Harness, name string) []uint64 {
	return h.Instance(name).(module.RuleCounter).RuleStats()
}

func wantStats(t *testing.T, h *moduletest.Harness, want ...uint64) {
	t.Helper()
	if got := stats(h, "fw"); !slices.Equal(got, want) {
		t.Errorf("packets by rule %v, want %v", got, want)
	}
}

// Counts by rule, over all workers; a rule that stays keeps its count when
// others come, go or change places, also one of several equal rules.
func TestCountsByRule(t *testing.T) {
	h := moduletest.New(t)
	u1, i1, a1 := moduletest.Frame("U1"), moduletest.Frame("I1"), moduletest.Frame("A1")
	inside, other := src("172.16.100.0/24"), src("172.16.0.0/16")
	other.Drop = true
	h.MustCreate("fw", acl.Class, arg(inside, other))
	wantStats(t, h, 0, 0)
	h.Send("fw", 0, u1, i1, a1, u1)
	h.SetWorker(5)
	h.Send("fw", 0, u1)
	wantStats(t, h, 3, 1)
	for _, c := range []struct {
		change func() error
		want   []uint64
	}{
		{func() error { _, err := h.Command("fw", "add", arg(src("1.1.1.1"), inside)); return err }, []uint64{3, 1, 0, 0}},
		{func() error { return h.Update("fw", arg(other, src("2.2.2.2"), inside)) }, []uint64{1, 0, 3}},
		// The same network written otherwise is the same rule.
		{func() error { return h.Update("fw", arg(src("172.16.100.9/24"), inside)) }, []uint64{3, 0}},
		{func() error { _, err := h.Command("fw", "clear", nil); return err }, []uint64{}},
		{func() error { return h.Update("fw", arg(inside)) }, []uint64{0}},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		wantStats(t, h, c.want...)
	}
	h.Send("fw", 0, u1)
	wantStats(t, h, 1)
	if n := h.Counter("fw", "allowed"); n != 4 {
		t.Errorf("allowed %d, want 4", n)
	}
}

// A full batch in which rules, gates and drops alternate keeps its order.
func TestOrderOfFullBatches(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("fw", acl.Class, arg(
		&acl.ACLArg_Rule{DstPort: 1, Drop: true}, &acl.ACLArg_Rule{DstPort: 2}, &acl.ACLArg_Rule{Established: true}))
	var frames, want [][]byte
	for i := range 64 {
		f := slices.Clone(moduletest.Frame("T1"))
		binary.BigEndian.PutUint16(f[36:], uint16(i%4))
		f[63] = byte(i)
		switch i % 5 {
		case 1:
			f[47] = 2 // SYN
		case 2:
			f[12] = 0x86 // not IPv4
		}
		if i%5 != 2 && (i%4 == 2 || i%4 != 1 && i%5 != 1) {
			want = append(want, f)
		}
		frames = append(frames, f)
	}
	h.Send("fw", 0, frames...)
	got := h.Out("fw", 0)
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%d packets, want %d, or another order", len(got), len(want))
	}
}

// model is the list scanned from the top, condition by condition.
func model(rules []*acl.ACLArg_Rule, f []byte) (number int) {
	in := func(cidr string, addr uint32) bool {
		if cidr == "" {
			return true
		}
		text, length, _ := strings.Cut(cidr, "/")
		n, _ := strconv.Atoi(length)
		var network uint32
		for _, s := range strings.Split(text, ".") {
			b, _ := strconv.Atoi(s)
			network = network<<8 | uint32(b)
		}
		return uint64(network)>>(32-n) == uint64(addr)>>(32-n)
	}
	be := binary.BigEndian
	for i, r := range rules {
		if !in(r.SrcIp, be.Uint32(f[26:])) || !in(r.DstIp, be.Uint32(f[30:])) ||
			r.SrcPort != 0 && r.SrcPort != uint32(be.Uint16(f[34:])) ||
			r.DstPort != 0 && r.DstPort != uint32(be.Uint16(f[36:])) ||
			r.Established && (f[23] != 6 || f[47]&0x14 == 0) {
			continue
		}
		return i
	}
	return -1
}

// draw makes a rule; the pools are small so that rules and packets meet.
func draw(rnd *rand.Rand) *acl.ACLArg_Rule {
	cidr := func() string {
		if rnd.IntN(3) == 0 {
			return ""
		}
		return fmt.Sprintf("10.%d.%d.%d/%d", rnd.IntN(3), rnd.IntN(3), rnd.IntN(3), 8*rnd.IntN(4)+rnd.IntN(9))
	}
	port := func() uint32 { return uint32(max(rnd.IntN(6)-2, 0)) }
	return &acl.ACLArg_Rule{SrcIp: cidr(), DstIp: cidr(), SrcPort: port(), DstPort: port(),
		Established: rnd.IntN(4) == 0, Drop: rnd.IntN(2) == 0}
}

// packetFor makes a TCP or UDP frame with addresses and ports from the pools.
func packetFor(rnd *rand.Rand) []byte {
	f := slices.Clone(moduletest.Frame("T1"))
	for i := 26; i < 34; i += 4 {
		f[i], f[i+1], f[i+2], f[i+3] = 10, byte(rnd.IntN(3)), byte(rnd.IntN(3)), byte(rnd.IntN(3))
	}
	binary.BigEndian.PutUint16(f[34:], uint16(rnd.IntN(4)))
	binary.BigEndian.PutUint16(f[36:], uint16(rnd.IntN(4)))
	if rnd.IntN(2) == 0 {
		f[23] = 17
	}
	f[47] = byte(rnd.IntN(32))
	return f
}

// Short and long lists decide as the list scanned from the top does, also
// after every change.
func TestAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 5, 16, 17, 60, 400} {
		h := moduletest.New(t)
		h.MustCreate("fw", acl.Class, nil)
		var rules []*acl.ACLArg_Rule
		for step := range 4 {
			var more []*acl.ACLArg_Rule
			for range n {
				more = append(more, draw(rnd))
			}
			if step == 2 {
				rules = more
				if err := h.Update("fw", arg(rules...)); err != nil {
					t.Fatal(err)
				}
			} else {
				rules = append(rules, more...)
				if _, err := h.Command("fw", "add", arg(more...)); err != nil {
					t.Fatal(err)
				}
			}
			before := stats(h, "fw")
			hits := make([]uint64, len(rules))
			var want [][]byte
			for range 20 {
				var frames [][]byte
				for range 64 {
					f := packetFor(rnd)
					frames = append(frames, f)
					if r := model(rules, f); r >= 0 {
						hits[r]++
						if !rules[r].Drop {
							want = append(want, f)
						}
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
		}
	}
}

// rulesOf returns a list of n rules of which the last lets U1 pass, or drops
// it.
func rulesOf(n int, drop bool) *acl.ACLArg {
	a := &acl.ACLArg{}
	for i := range n - 1 {
		a.Rules = append(a.Rules, &acl.ACLArg_Rule{SrcIp: fmt.Sprintf("10.%d.%d.0/24", i>>8&255, i&255), DstPort: uint32(i%1000 + 1)})
	}
	a.Rules = append(a.Rules, &acl.ACLArg_Rule{SrcIp: "172.16.0.0/12", Drop: drop})
	return a
}

// Rules change while a worker judges packets: every packet is judged by one
// list or another, none is lost, and every one is counted.
func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("fw", acl.Class, rulesOf(50, false))
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = moduletest.Frame("U1")
	}
	h.Open("fw", 0)
	h.Send("fw", 0, frames...)
	var stop atomic.Bool
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 300 {
			n := []int{1, 20, 100}[i%3]
			if err := h.Update("fw", rulesOf(n, i%2 == 0)); err != nil {
				t.Error(err)
			}
			if _, err := h.Command("fw", "add", rulesOf(20, false)); err != nil {
				t.Error(err)
			}
			h.Instance("fw").(module.RuleCounter).RuleStats()
			h.Desc("fw")
		}
		stop.Store(true)
	})
	sent := uint64(64)
	for !stop.Load() {
		h.Send("fw", 0, frames...)
		sent += 64
	}
	done.Wait()
	allowed, dropped := h.Counter("fw", "allowed"), h.Counter("fw", "dropped")
	if allowed+dropped != sent || h.Counter("fw", "no_rule") != 0 {
		t.Errorf("sent %d, allowed %d, dropped %d, no rule %d", sent, allowed, dropped, h.Counter("fw", "no_rule"))
	}
	if allowed == 0 || dropped == 0 {
		t.Error("the two lists were not both used")
	}
}

// mapped returns the bytes of address space the process has.
func mapped(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc")
	}
	n, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err != nil {
		t.Fatal(err)
	}
	return n * os.Getpagesize()
}

// Ten thousand changes of a list whose tables live outside the Go heap leave
// no memory behind.
func TestChangesDoNotLeak(t *testing.T) {
	changes := 10_000
	if testing.Short() {
		changes = 1_000
	}
	h := moduletest.New(t)
	h.MustCreate("fw", acl.Class, rulesOf(20, false))
	h.Send("fw", 0, moduletest.Frame("U1"))
	lists := []*acl.ACLArg{rulesOf(18, false), rulesOf(19, true)}
	change := func(n int) {
		for i := range n {
			if err := h.Update("fw", lists[i%2]); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				h.Send("fw", 0, moduletest.Frame("U1"))
			}
		}
	}
	change(100)
	before := mapped(t)
	change(changes)
	if grown := mapped(t) - before; grown > 256<<20 {
		t.Errorf("%d changes took %d MB", changes, grown>>20)
	}
}

func TestNoAllocs(t *testing.T) {
	for _, n := range []int{1, 100} {
		for _, established := range []bool{false, true} {
			h := moduletest.New(t)
			a := rulesOf(n, false)
			a.Rules[0].Established = established
			h.MustCreate("fw", acl.Class, a)
			h.NoAllocs("fw", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("A1"), []byte{1})
		}
	}
}

func FuzzProcess(f *testing.F) {
	for _, frame := range frames6() {
		f.Add([]byte{1, 2, 3, 4, 5, 1, 64, 3, 1, 1, 1, 32, 3, 4, 5}, frame, uint16(0))
		f.Add([]byte{0, 0, 0x27, 0, 0}, frame[:50], uint16(0))
	}
	moduletest.Fuzz(f, acl.Class, func(seed []byte) proto.Message {
		a := arg()
		for i := 0; i+4 < len(seed); i += 5 {
			if seed[i]&1 == 1 {
				a.Rules = append(a.Rules, &acl.ACLArg_Rule{
					SrcIp: fmt.Sprintf("2001:db8::%x/%d", seed[i], seed[i+1]&127), DstPort: uint32(seed[i+2]) * 3334,
					Established: seed[i+3]&1 == 1, Drop: seed[i+4]&1 == 1})
				continue
			}
			a.Rules = append(a.Rules, &acl.ACLArg_Rule{
				SrcIp: fmt.Sprintf("172.16.%d.0/%d", seed[i], seed[i+1]&31), DstPort: uint32(seed[i+2]) * 256,
				Established: seed[i+3]&1 == 1, Drop: seed[i+4]&1 == 1})
		}
		return a
	})
}

// BenchmarkACL measures lists whose last rule matches, and dropping.
func BenchmarkACL(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { moduletest.Bench(b, acl.Class, rulesOf(n, false), moduletest.Frame("U1")) })
	}
	b.Run("drop", func(b *testing.B) { moduletest.Bench(b, acl.Class, rulesOf(1, true), moduletest.Frame("U1")) })
	b.Run("established", func(b *testing.B) {
		a := rulesOf(2, false)
		a.Rules[0].Established = true
		moduletest.Bench(b, acl.Class, a, moduletest.Frame("U1"), moduletest.Frame("T1"))
	})
}

// BenchmarkUpdate measures the replacement of a list.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := moduletest.New(b)
			a := rulesOf(n, false)
			h.MustCreate("fw", acl.Class, a)
			for b.Loop() {
				if err := h.Update("fw", a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
