// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func own(ps []Packet)
TEXT ·own(SB), NOSPLIT, $0-24
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	TESTQ CX, CX
	JEQ   out

loop:
	MOVQ (SI), AX
	BYTE $0x0F; BYTE $0x0D; BYTE $0x08 // PREFETCHW (AX)
	ADDQ $8, SI
	DECQ CX
	JNE  loop

out:
	RET
