// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func putAVX2(dst *Packet, ps []Packet) (links uintptr)
TEXT ·putAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ps_base+8(FP), SI
	MOVQ ps_len+16(FP), CX
	XORQ R12, R12
	XORQ R13, R13
	SUBQ $4, CX
	JLT  rest

four:
	VMOVDQU (SI), Y0
	MOVQ    (SI), AX
	MOVQ    8(SI), BX
	MOVQ    16(SI), R10
	MOVQ    24(SI), R11
	ORQ     header_link(AX), R12
	ORQ     header_link(BX), R13
	ORQ     header_link(R10), R12
	ORQ     header_link(R11), R13
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $4, CX
	JGE     four

rest:
	ADDQ $4, CX
	JEQ  out

one:
	MOVQ (SI), AX
	MOVQ AX, (DI)
	ORQ  header_link(AX), R12
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JNE  one

out:
	VZEROUPPER
	ORQ  R13, R12
	MOVQ R12, links+32(FP)
	RET
