// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// A program may store what is known about a packet in front of it: the magic
// number, the protocol (network order) and the content (the machine's order)
// of a VLAN tag.
const (
	hintSize  = 8
	hintMagic = 0x62657373
)

// Offsets in struct xdp_md (include/uapi/linux/bpf.h).
const (
	mdData, mdDataMeta, mdQueue = 0, 8, 16
	xdpDrop, xdpPass            = 1, 2
)

// vlanFunction is the kernel's function that tells the tag which a device, or
// a sender on this host, took out of a packet
// (Documentation/networking/xdp-rx-metadata.rst).
const vlanFunction = "bpf_xdp_metadata_rx_vlan_tag"

// program is an XDP program attached to an interface. It hands the packets of
// queues in the map to their sockets, all others to the host.
type program struct {
	sockets *ebpf.Map
	gates   *gates
	prog    *ebpf.Program
	link    link.Link
	native  bool
	tags    bool // it stores VLAN tags
}

// attach attaches the program to an interface of the calling thread's network
// namespace. The link is cut by the kernel when the process ends.
func attach(ifindex, queues int, native bool) (*program, error) {
	_ = rlimit.RemoveMemlock() // kernels before 5.11 count maps
	p := &program{native: native}
	var err error
	p.sockets, err = ebpf.NewMap(&ebpf.MapSpec{Name: "bess_sockets", Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(queues)})
	if err != nil {
		return nil, fmt.Errorf("map of sockets: %w", hostif.Refused(err))
	}
	if p.gates, err = newGates(queues); err != nil {
		p.close()
		return nil, err
	}
	if native && p.load(ifindex, true) == nil {
		p.tags = true
		return p, nil
	}
	if err := p.load(ifindex, false); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// load loads the program, with the part that stores tags or without, and
// attaches it.
func (p *program) load(ifindex int, tags bool) (err error) {
	defer func() {
		if err != nil && p.prog != nil {
			_ = p.prog.Close()
			p.prog = nil
		}
	}()
	spec := &ebpf.ProgramSpec{Name: "bess_receive", Type: ebpf.XDP, License: "Dual BSD/GPL", Flags: unix.BPF_F_XDP_HAS_FRAGS}
	if tags {
		store, err := storeTag()
		if err != nil {
			return err
		}
		spec.Instructions = append(append(shut(p.gates.m.FD(), "tag"), store...), redirect(p.sockets.FD())...)
		spec.Flags |= unix.BPF_F_XDP_DEV_BOUND_ONLY
		spec.Ifindex = uint32(ifindex)
	} else {
		spec.Instructions = append(shut(p.gates.m.FD(), "redirect"), redirect(p.sockets.FD())...)
	}
	if p.prog, err = ebpf.NewProgram(spec); err != nil {
		return fmt.Errorf("load XDP program: %w", hostif.Refused(brief(err)))
	}
	flags := link.XDPGenericMode
	if p.native {
		flags = link.XDPDriverMode
	}
	p.link, err = link.AttachXDP(link.XDPOptions{Program: p.prog, Interface: ifindex, Flags: flags})
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("attach XDP program: %w: the interface has one already", unix.EBUSY)
	}
	if err != nil {
		return fmt.Errorf("attach XDP program: %w", err)
	}
	return nil
}

// brief cuts what the verifier says of every instruction.
func brief(err error) error {
	var v *ebpf.VerifierError
	if errors.As(err, &v) && len(v.Log) > 0 {
		return fmt.Errorf("%w: %s", v.Cause, strings.TrimSpace(v.Log[len(v.Log)-1]))
	}
	return err
}

// redirect returns the end of the program: the packet goes to the socket of
// its queue, to the host if there is none.
func redirect(sockets int) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R6, mdQueue, asm.Word).WithSymbol("redirect"),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.Mov.Imm(asm.R3, xdpPass),
		asm.FnRedirectMap.Call(),
		asm.Return(),
	}
}

// storeTag returns the part of a program that stores tags.
func storeTag() (asm.Instructions, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var f *btf.Func
	if err := kernel.TypeByName(vlanFunction, &f); err != nil {
		return nil, err
	}
	id, err := kernel.TypeID(f)
	if err != nil {
		return nil, err
	}
	call := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)}
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("tag"),
		asm.Mov.Imm(asm.R2, -hintSize),
		asm.FnXdpAdjustMeta.Call(),
		asm.JNE.Imm(asm.R0, 0, "redirect"),

		asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord), // R0 is 0
		asm.StoreMem(asm.R10, -16, asm.R0, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -8), // the protocol
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, -16), // the content
		call,

		asm.LoadMem(asm.R1, asm.R6, mdDataMeta, asm.Word),
		asm.LoadMem(asm.R2, asm.R6, mdData, asm.Word),
		asm.Mov.Reg(asm.R3, asm.R1),
		asm.Add.Imm(asm.R3, hintSize),
		asm.JGT.Reg(asm.R3, asm.R2, "redirect"),
		asm.Mov.Imm(asm.R4, 0),
		asm.JNE.Imm(asm.R0, 0, "store"), // there is no tag
		asm.Mov.Imm(asm.R4, hintMagic),
		asm.StoreMem(asm.R1, 0, asm.R4, asm.Word).WithSymbol("store"),
		asm.LoadMem(asm.R5, asm.R10, -8, asm.Half),
		asm.StoreMem(asm.R1, 4, asm.R5, asm.Half),
		asm.LoadMem(asm.R5, asm.R10, -16, asm.Half),
		asm.StoreMem(asm.R1, 6, asm.R5, asm.Half),
	}, nil
}

// add has the packets of a queue go to a socket.
func (p *program) add(queue, fd int) error {
	if err := p.sockets.Update(uint32(queue), uint32(fd), ebpf.UpdateAny); err != nil {
		return fmt.Errorf("map of sockets: queue %d: %w", queue, err)
	}
	return nil
}

func (p *program) close() {
	if p == nil {
		return
	}
	if p.link != nil {
		_ = p.link.Close()
	}
	if p.prog != nil {
		_ = p.prog.Close()
	}
	p.gates.close()
	_ = p.sockets.Close()
}
