// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// mirror makes a cable whose near end counts what arrives and has XDP answer
// it, and a sink.
func mirror(t *testing.T, near string, answer int32) (*Site, *ebpf.Map) {
	t.Helper()
	testenv.NeedNetns(t)
	s, err := NewSite()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Cable(near); err != nil {
		testenv.Skip(t, testenv.NoVeth, err.Error())
	}
	if err := s.Sink(); err != nil {
		testenv.Skip(t, testenv.NoKernel, err.Error())
	}
	seen, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = seen.Close() })
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Apache-2.0", Instructions: asm.Instructions{
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, seen.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "answer"),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, answer).WithSymbol("answer"),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = prog.Close() })
	i, err := net.InterfaceByName(near)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: i.Index})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return s, seen
}

// number returns the value of a map that has one.
func number(t *testing.T, m *ebpf.Map) (n uint64) {
	t.Helper()
	if err := m.Lookup(uint32(0), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A generator with a window goes on as frames come back, and the sink shows what
// it has counted but for the last steps.
func TestWindow(t *testing.T) {
	s, seen := mirror(t, "loadgen-window", xdpTx)
	cores := sys.AllowedCores()
	for range 2 { // the second begins with a sink that has counted
		before := number(t, seen)
		g := s.Generate(Windowed, make([]byte, 60), 0, cores[len(cores)-1])
		testenv.Eventually(t, "frames are sent", func() bool { return number(t, seen) > before+100000 })
		if err := g.Stop(); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, "all come back", func() bool { return must(s.Arrived()) == number(t, seen) })
	}
	if n, shown := must(s.Arrived()), number(t, s.sink.shown); shown > n || n-shown >= windowStep*uint64(ebpf.MustPossibleCPU()) {
		t.Errorf("%d frames are shown of %d", shown, n)
	}
}

// What is lost is not waited for for ever.
func TestWindowOfLostFrames(t *testing.T) {
	s, seen := mirror(t, "loadgen-lost", xdpDrop)
	cores := sys.AllowedCores()
	g := s.Generate(Windowed, make([]byte, 60), 0, cores[len(cores)-1])
	testenv.Eventually(t, "several windows are sent", func() bool { return number(t, seen) > 10*window })
	if err := g.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := must(s.Arrived()); n != 0 {
		t.Errorf("%d frames came back, of those that were dropped", n)
	}
}

func TestWindowNeedsSink(t *testing.T) {
	if _, err := (&Site{}).window(); err == nil {
		t.Error("a window without a sink")
	}
}
