// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func hashFlows4SSE42(flows []Flow4)
TEXT ·hashFlows4SSE42(SB), NOSPLIT, $0-24
	MOVQ  flows_base+0(FP), SI
	MOVQ  flows_len+8(FP), CX
	TESTQ CX, CX
	JEQ   out

loop:
	MOVL   Flow4_Hash(SI), AX
	CRC32L Flow4_Ports(SI), AX
	CRC32Q Flow4_Addrs(SI), AX
	MOVL   AX, Flow4_Hash(SI)
	ADDQ   $Flow4__size, SI
	DECQ   CX
	JNE    loop

out:
	RET

// func crc32cEachSSE42(words []uint32)
TEXT ·crc32cEachSSE42(SB), NOSPLIT, $0-24
	MOVQ  words_base+0(FP), SI
	MOVQ  words_len+8(FP), CX
	TESTQ CX, CX
	JEQ   out

loop:
	XORL   AX, AX
	CRC32L (SI), AX
	MOVL   AX, (SI)
	ADDQ   $4, SI
	DECQ   CX
	JNE    loop

out:
	RET
