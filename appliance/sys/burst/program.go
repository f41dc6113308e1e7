// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"unsafe"

	"github.com/cilium/ebpf/asm"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// skbLen is an offset in struct __sk_buff (include/uapi/linux/bpf.h).
const skbLen = 0

// code returns the program:
//
//	for i = 0; i < count and i < BatchSize; i++:
//	    length of the frame = lens[i]
//	    frame = frames[i]
//	    answer = send a clone out of index; not 0 -> end
//	    sent = i + 1
//
// The kernel follows every path of a program before it takes it; where a
// condition can only be there for its sake nothing is said about it.
func code(shared int) asm.Instructions {
	const (
		index, count, sent = int16(unsafe.Offsetof(memory{}.index)), int16(unsafe.Offsetof(memory{}.count)), int16(unsafe.Offsetof(memory{}.sent))
		answer             = int16(unsafe.Offsetof(memory{}.answer))
		lens, frames       = int16(unsafe.Offsetof(memory{}.lens)), int32(unsafe.Offsetof(memory{}.frames))
		frame, mem, i      = asm.R6, asm.R7, asm.R8
	)
	return asm.Instructions{
		asm.Mov.Reg(frame, asm.R1),
		asm.LoadMapValue(mem, shared, 0),
		asm.Mov.Imm(i, 0),

		asm.LoadMem(asm.R1, mem, count, asm.Word).WithSymbol("next"),
		asm.JGE.Reg(i, asm.R1, "end"),
		asm.Mov.Reg(asm.R1, i),
		asm.Mul.Imm(asm.R1, 4),
		asm.Add.Reg(asm.R1, mem),
		asm.LoadMem(asm.R9, asm.R1, lens, asm.Word),
		asm.JGT.Imm(asm.R9, MaxLen, "end"),
		asm.JLT.Imm(asm.R9, minLen, "end"),
		asm.LoadMem(asm.R1, frame, skbLen, asm.Word),
		asm.JEq.Reg(asm.R1, asm.R9, "write"),
		asm.Mov.Reg(asm.R1, frame),
		asm.Mov.Reg(asm.R2, asm.R9),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnSkbChangeTail.Call(),
		asm.JNE.Imm(asm.R0, 0, "end"),

		asm.Mov.Reg(asm.R1, frame).WithSymbol("write"),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, i),
		asm.Mul.Imm(asm.R3, MaxLen),
		asm.Add.Imm(asm.R3, frames),
		asm.Add.Reg(asm.R3, mem),
		asm.Mov.Reg(asm.R4, asm.R9),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "end"),

		asm.Mov.Reg(asm.R1, frame),
		asm.LoadMem(asm.R2, mem, index, asm.Word),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnCloneRedirect.Call(),
		asm.StoreMem(mem, answer, asm.R0, asm.Word),
		asm.JNE.Imm(asm.R0, 0, "end"),
		asm.Add.Imm(i, 1),
		asm.StoreMem(mem, sent, i, asm.Word),
		asm.JLT.Imm(i, packet.BatchSize, "next"),

		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	}
}
