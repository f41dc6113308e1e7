// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package arpresponder_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/arpresponder"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", arpresponder.Class) }

func FuzzProcess(f *testing.F) { moduletest.FuzzAll(f, arpresponder.Class) }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", arpresponder.Class, nil)
	h.NoAllocs("m", moduletest.Frame("A1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, arpresponder.Class, nil, moduletest.Frame("A1"))
}

func add(t testing.TB, h *moduletest.Harness, n uint32) {
	t.Helper()
	a := &arpresponder.ArpResponderArg{Ip: header.FormatIPv4(n), MacAddr: header.MACFromUint64(uint64(n)).String()}
	if _, err := h.Command("m", "add", a); err != nil {
		t.Fatal(err)
	}
}

// request asks for address n.
func request(n uint32) []byte {
	f := moduletest.Frame("A1")
	binary.BigEndian.PutUint32(f[38:], n)
	return f
}

// A large table, whose addresses are neighbours, answers all and nothing else.
func TestLargeTable(t *testing.T) {
	const n = 20_000
	h := moduletest.New(t)
	h.MustCreate("m", arpresponder.Class, nil)
	for i := range uint32(n) {
		add(t, h, 0x0a000000+2*i)
	}
	for i := range uint32(2 * n) {
		h.Send("m", 0, request(0x0a000000+i))
		out := h.Out("m", 0)
		if (len(out) == 1) != (i%2 == 0) {
			t.Fatalf("%s: %d replies", header.FormatIPv4(0x0a000000+i), len(out))
		}
		if len(out) == 1 && header.Ethernet(out[0]).Src().Uint64() != uint64(0x0a000000+i) {
			t.Fatalf("%s: reply %x", header.FormatIPv4(0x0a000000+i), out[0])
		}
		h.Out("m", 1)
	}
}

// BESS refused the command while the worker ran. What is in the table stays
// there while it grows, with a whole MAC address.
func TestAddWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", arpresponder.Class, nil)
	add(t, h, 1)
	h.Send("m", 0, request(1))
	h.Out("m", 0)
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint32(3000) {
			add(t, h, 2+i)
		}
	})
	for i := range uint32(1000) {
		h.Send("m", 0, request(1), request(2+3*i))
		out := h.Out("m", 0)
		if len(out) == 0 || header.Ethernet(out[0]).Src().Uint64() != 1 {
			t.Fatalf("replies %x", out)
		}
		if len(out) == 2 && header.Ethernet(out[1]).Src().Uint64() != uint64(2+3*i) {
			t.Fatalf("reply %x for %d", out[1], 2+3*i)
		}
	}
	done.Wait()
}
