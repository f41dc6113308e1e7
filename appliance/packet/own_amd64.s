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

// func ownAhead(slots *Packet, run *atomic.Uint64)
TEXT ·ownAhead(SB), NOSPLIT, $0-16
	MOVQ slots+0(FP), AX
	MOVQ run+8(FP), BX
	BYTE $0x0F; BYTE $0x0D; BYTE $0x0B // PREFETCHW (BX)
	MOVQ $8, CX

more:
	BYTE $0x0F; BYTE $0x0D; BYTE $0x08 // PREFETCHW (AX)
	ADDQ $64, AX
	DECQ CX
	JNE  more
	RET
