// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

// probeType is the Ethernet type of probes: one for experiments (IEEE 802).
const probeType = 0x88b5

// What an XDP program answers.
const (
	xdpDrop = 1
	xdpPass = 2
	xdpTx   = 3
)

// sink counts and drops what arrives, but for probes.
type sink struct {
	count *ebpf.Map // of each CPU
	shown *ebpf.Map // of all, for the window: whole steps
	prog  *ebpf.Program
	link  link.Link
}

// Sink starts to count and drop what comes back; probes pass.
func (s *Site) Sink() (err error) {
	k := &sink{}
	defer func() {
		if err != nil {
			k.close()
			err = fmt.Errorf("count frames with XDP: %w", err)
		}
	}()
	if k.count, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return err
	}
	if k.shown, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return err
	}
	if k.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Apache-2.0", Instructions: sinkCode(k.count.FD(), k.shown.FD())}); err != nil {
		return err
	}
	err = s.at(s.end, func(l netlink.Link) (err error) {
		k.link, err = link.AttachXDP(link.XDPOptions{Program: k.prog, Interface: l.Attrs().Index})
		return err
	})
	if err == nil {
		s.sink = k
	}
	return err
}

// sinkCode is the program:
//
//	frame shorter than a header -> drop
//	type of probes -> pass
//	count[0]++; every windowStep-th -> shown[0] += windowStep
//	drop
//
// What others look at is written seldom: each look takes it away from here.
func sinkCode(count, shown int) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, 14),
		asm.JGT.Reg(asm.R4, asm.R3, "drop"),
		asm.LoadMem(asm.R5, asm.R2, 12, asm.Byte),
		asm.JNE.Imm(asm.R5, probeType>>8, "count"),
		asm.LoadMem(asm.R5, asm.R2, 13, asm.Byte),
		asm.JNE.Imm(asm.R5, probeType&0xff, "count"),
		asm.Mov.Imm(asm.R0, xdpPass),
		asm.Return(),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word).WithSymbol("count"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, count),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.And.Imm(asm.R1, windowStep-1),
		asm.JNE.Imm(asm.R1, 0, "drop"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, shown),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.Mov.Imm(asm.R1, windowStep),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("drop"),
		asm.Return(),
	}
}

// Arrived returns how many frames the sink has counted.
func (s *Site) Arrived() (uint64, error) {
	var each []uint64
	if err := s.sink.count.Lookup(uint32(0), &each); err != nil {
		return 0, err
	}
	sum := uint64(0)
	for _, n := range each {
		sum += n
	}
	return sum, nil
}

func (k *sink) close() {
	if k.link != nil {
		_ = k.link.Close()
	}
	if k.prog != nil {
		_ = k.prog.Close()
	}
	if k.shown != nil {
		_ = k.shown.Close()
	}
	if k.count != nil {
		_ = k.count.Close()
	}
}
