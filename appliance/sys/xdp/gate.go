// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// gate is what a queue's receiver tells the program. A kernel that copies
// takes the lock of the socket's memory for each packet, also for one that there
// is no room for. The sender of the same queue needs it, too: a flood of packets
// that are lost anyway would slow it down to two thirds, if they come on another
// core, and so make more of them be lost. While the gate is shut they end in the
// program instead.
type gate struct {
	shut atomic.Uint64 // 1: it is
	lost atomic.Uint64 // packets since the start
	_    [48]byte
}

// gates are those of all queues, in memory shared with the program.
type gates struct {
	m   *ebpf.Map
	mem []byte
	all []gate
}

func newGates(queues int) (_ *gates, err error) {
	g := &gates{}
	if g.m, err = ebpf.NewMap(&ebpf.MapSpec{Name: "bess_gates", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(unsafe.Sizeof(gate{})),
		MaxEntries: uint32(queues), Flags: unix.BPF_F_MMAPABLE}); err != nil {
		return nil, fmt.Errorf("map of gates: %w", hostif.Refused(err))
	}
	page := os.Getpagesize()
	size := (queues*int(unsafe.Sizeof(gate{})) + page - 1) / page * page
	if g.mem, err = unix.Mmap(g.m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		g.close()
		return nil, fmt.Errorf("map of gates: %w", err)
	}
	g.all = unsafe.Slice((*gate)(unsafe.Pointer(&g.mem[0])), queues)
	return g, nil
}

func (g *gates) close() {
	if g == nil {
		return
	}
	if g.mem != nil {
		_ = unix.Munmap(g.mem)
	}
	_ = g.m.Close()
}

// shut returns the beginning of the program: the packet is counted and dropped
// if its queue's gate is shut, else it goes on at a symbol, with the context in
// R6.
func shut(gates int, open string) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, mdQueue, asm.Word),
		asm.StoreMem(asm.R10, -20, asm.R2, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -20),
		asm.LoadMapPtr(asm.R1, gates),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, open),
		asm.LoadMem(asm.R1, asm.R0, int16(unsafe.Offsetof(gate{}.shut)), asm.DWord),
		asm.JEq.Imm(asm.R1, 0, open),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, int16(unsafe.Offsetof(gate{}.lost))),
		asm.Mov.Imm(asm.R0, xdpDrop),
		asm.Return(),
	}
}
