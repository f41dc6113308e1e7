// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package staticnat_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/staticnat"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", staticnat.Class) }

func pair(intStart, intEnd, extStart, extEnd string) *staticnat.StaticNATArg_AddressRangePair {
	return &staticnat.StaticNATArg_AddressRangePair{
		IntRange: &staticnat.StaticNATArg_AddressRange{Start: intStart, End: intEnd},
		ExtRange: &staticnat.StaticNATArg_AddressRange{Start: extStart, End: extEnd},
	}
}

func arg(pairs ...*staticnat.StaticNATArg_AddressRangePair) *staticnat.StaticNATArg {
	return &staticnat.StaticNATArg{Pairs: pairs}
}

// The errors name the pair, the field and the value.
func TestErrorTexts(t *testing.T) {
	for want, a := range map[string]*staticnat.StaticNATArg{
		`pairs[0].int_range.end: "1.2.3": must be an IPv4 address (a.b.c.d)`:                                                                     arg(pair("1.2.3.4", "1.2.3", "1.1.1.1", "1.1.1.1")),
		`pairs[0].ext_range.start: "5.5.5.6": is behind the end 5.5.5.5: invalid external IP address range`:                                      arg(pair("1.2.3.4", "1.2.3.5", "5.5.5.6", "5.5.5.5")),
		`pairs[0].ext_range: 5.5.5.5-5.5.5.5: has 1 addresses, but int_range 1.2.3.4-1.2.3.5 has 2: internal and external address ranges differ`: arg(pair("1.2.3.4", "1.2.3.5", "5.5.5.5", "5.5.5.5")),
		`pairs[1].int_range: 1.2.3.4-1.2.3.4: overlaps 1.2.3.4-1.2.3.5 of pairs[0]`:                                                              arg(pair("1.2.3.4", "1.2.3.5", "5.5.5.4", "5.5.5.5"), pair("1.2.3.4", "1.2.3.4", "6.6.6.6", "6.6.6.6")),
		`pairs[0].int_range.end: "255.255.255.255": cannot map the broadcast address`:                                                            arg(pair("255.255.255.255", "255.255.255.255", "5.5.5.4", "5.5.5.5")),
	} {
		_, err := staticnat.Class.New(module.NewEnv("n", nil, nil), a)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Every address of every pair gets the one at the same place, there and back.
func TestRoundTrip(t *testing.T) {
	h := moduletest.New(t)
	a := arg()
	for i := range 100 {
		a.Pairs = append(a.Pairs, pair(fmt.Sprintf("10.%d.0.0", i*2), fmt.Sprintf("10.%d.0.99", i*2), fmt.Sprintf("20.0.%d.7", 200-i), fmt.Sprintf("20.0.%d.106", 200-i)))
	}
	h.MustCreate("n", staticnat.Class, a)
	for i := range 100 {
		for _, host := range []uint32{0, 50, 99, 100} {
			f := moduletest.Frame("U1")
			in := uint32(10<<24|i*2<<16) + host
			u := header.IPv4(f[14:])
			u.SetSrc(in)
			h.Send("n", 0, f)
			out := header.IPv4(h.Out("n", 1)[0][14:])
			want := uint32(20<<24|(200-i)<<8) + 7 + host
			if host == 100 {
				want = in
			}
			if out.Src() != want {
				t.Fatalf("%s became %s, want %s", header.FormatIPv4(in), header.FormatIPv4(out.Src()), header.FormatIPv4(want))
			}
			binary.BigEndian.PutUint32(f[30:], want)
			h.Send("n", 1, f)
			if back := header.IPv4(h.Out("n", 0)[0][14:]); back.Dst() != in {
				t.Fatalf("%s became %s, want %s", header.FormatIPv4(want), header.FormatIPv4(back.Dst()), header.FormatIPv4(in))
			}
		}
	}
}

// Pairs change while packets flow: each packet meets the old ones or the new.
func TestChangesWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	one := arg(pair("172.16.100.1", "172.16.100.1", "1.1.1.1", "1.1.1.1"))
	two := arg(pair("172.16.100.1", "172.16.100.1", "2.2.2.2", "2.2.2.2"))
	h.MustCreate("n", staticnat.Class, one)
	h.Send("n", 0, moduletest.Frame("U1"))
	h.Out("n", 1)
	var done sync.WaitGroup
	done.Go(func() {
		for range 300 {
			for _, a := range []*staticnat.StaticNATArg{two, one} {
				if _, err := h.Command("n", "set_runtime_config", a); err != nil {
					t.Error(err)
				}
				if _, err := h.Command("n", "get_runtime_config", nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 300 {
		h.Send("n", 0, moduletest.Frame("U1"), moduletest.Frame("U1"))
	}
	done.Wait()
	got := h.Out("n", 1)
	if len(got) != 600 {
		t.Errorf("%d packets, want 600", len(got))
	}
	for i, f := range got {
		ip := header.IPv4(f[14:])
		if src := header.FormatIPv4(ip.Src()); src != "1.1.1.1" && src != "2.2.2.2" || !ip.ChecksumOK() {
			t.Fatalf("source %s, checksum right: %v", src, ip.ChecksumOK())
		}
		if i%2 == 1 && string(f) != string(got[i-1]) {
			t.Fatal("one batch met two configurations")
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("n", staticnat.Class, arg(pair("172.16.0.0", "172.31.255.255", "55.1.0.0", "55.16.255.255")))
	h.NoAllocs("n", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("A1"), moduletest.Frame("I1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, staticnat.Class, func(seed []byte) proto.Message {
		a := arg()
		for ; len(seed) >= 3; seed = seed[3:] {
			in, ext := uint32(seed[0])<<24, uint32(seed[1])<<24
			n := uint32(seed[2]) << 16
			a.Pairs = append(a.Pairs, pair(header.FormatIPv4(in), header.FormatIPv4(in+n), header.FormatIPv4(ext), header.FormatIPv4(ext+n)))
		}
		return a
	})
}

func FuzzCommands(f *testing.F) {
	f.Add("1.2.3.4", "1.2.3.5", "5.5.5.5", "5.5.5.6", true)
	f.Add("", "255.255.255.255", "x", "0.0.0.0", false)
	f.Fuzz(func(t *testing.T, a, b, c, d string, twice bool) {
		h := moduletest.New(t)
		h.MustCreate("n", staticnat.Class, nil)
		arg := arg(pair(a, b, c, d))
		if twice {
			arg.Pairs = append(arg.Pairs, pair(c, d, a, b))
		}
		_, err := h.Command("n", "set_runtime_config", arg)
		got, _ := h.Command("n", "get_runtime_config", nil)
		if err == nil && !proto.Equal(got, arg) || err != nil && len(got.(*staticnat.StaticNATArg).GetPairs()) > 0 {
			t.Errorf("error %v, but now %v", err, got)
		}
		h.Send("n", 0, moduletest.Frame("U1"))
	})
}

// BenchmarkPipeline is Source, Rewrite, StaticNAT, Sink on one core, and the
// same without StaticNAT.
func BenchmarkPipeline(b *testing.B) {
	for _, n := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("%dranges", n), func(b *testing.B) {
			h := moduletest.New(b)
			h.MustCreate("src", source.Class, nil)
			u := moduletest.Frame("U1")
			h.MustCreate("rewrite", rewrite.Class, &rewrite.RewriteArg{Templates: [][]byte{append(u, make([]byte, 60-len(u))...)}})
			h.MustCreate("sink", sink.Class, nil)
			h.Connect("src", 0, "rewrite", 0)
			if n == 0 {
				h.Connect("rewrite", 0, "sink", 0)
				h.BenchTasks(b, "src")
				return
			}
			a := arg(pair("172.16.0.0", "172.31.255.255", "55.1.0.0", "55.16.255.255"))
			for i := range n - 1 {
				a.Pairs = append(a.Pairs, pair(fmt.Sprintf("11.%d.0.0", i), fmt.Sprintf("11.%d.0.9", i), fmt.Sprintf("12.%d.0.0", i), fmt.Sprintf("12.%d.0.9", i)))
			}
			h.MustCreate("nat", staticnat.Class, a)
			h.Connect("rewrite", 0, "nat", 0)
			h.Connect("nat", 1, "sink", 0)
			h.BenchTasks(b, "src")
		})
	}
}
