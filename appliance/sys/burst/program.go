// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"fmt"
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
// The loop is written out: where a frame lies must be a number in the program.
// The kernel takes one that reckons with it from those with CAP_PERFMON only.
func code(shared int) asm.Instructions {
	c := asm.Instructions{asm.Mov.Reg(frame, asm.R1), asm.LoadMapValue(mem, shared, 0)}
	for i := range int32(packet.BatchSize) {
		c = append(c, step(i)...)
	}
	return append(c, asm.Mov.Imm(asm.R0, 0).WithSymbol("end"), asm.Return())
}

// What code keeps where: the frame that the kernel has made, the memory that is
// shared, and the length of a frame.
const frame, mem, length = asm.R6, asm.R7, asm.R9

// step sends the frame i. The kernel follows every path of a program before it
// takes it; where a condition can only be there for its sake nothing is said
// about it.
func step(i int32) asm.Instructions {
	const (
		index, count, sent = int16(unsafe.Offsetof(memory{}.index)), int16(unsafe.Offsetof(memory{}.count)), int16(unsafe.Offsetof(memory{}.sent))
		answer             = int16(unsafe.Offsetof(memory{}.answer))
		lens, frames       = int16(unsafe.Offsetof(memory{}.lens)), int32(unsafe.Offsetof(memory{}.frames))
	)
	write := fmt.Sprintf("write%d", i)
	return asm.Instructions{
		asm.LoadMem(asm.R1, mem, count, asm.Word),
		asm.JLE.Imm(asm.R1, i, "end"),
		asm.LoadMem(length, mem, lens+4*int16(i), asm.Word),
		asm.JGT.Imm(length, MaxLen, "end"),
		asm.JLT.Imm(length, minLen, "end"),
		asm.LoadMem(asm.R1, frame, skbLen, asm.Word),
		asm.JEq.Reg(asm.R1, length, write),
		asm.Mov.Reg(asm.R1, frame),
		asm.Mov.Reg(asm.R2, length),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnSkbChangeTail.Call(),
		asm.JNE.Imm(asm.R0, 0, "end"),

		asm.Mov.Reg(asm.R1, frame).WithSymbol(write),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, mem),
		asm.Add.Imm(asm.R3, frames+i*MaxLen),
		asm.Mov.Reg(asm.R4, length),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "end"),

		asm.Mov.Reg(asm.R1, frame),
		asm.LoadMem(asm.R2, mem, index, asm.Word),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnCloneRedirect.Call(),
		asm.StoreMem(mem, answer, asm.R0, asm.Word),
		asm.JNE.Imm(asm.R0, 0, "end"),
		asm.StoreImm(mem, sent, int64(i)+1, asm.Word),
	}
}
