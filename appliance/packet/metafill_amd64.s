// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func blendAVX2(ps []Packet, off int, value, mask *metaLine)
TEXT ·blendAVX2(SB), NOSPLIT, $0-48
	MOVQ     ps_base+0(FP), SI
	MOVQ     ps_len+8(FP), CX
	MOVQ     off+24(FP), DI
	MOVQ     value+32(FP), R8
	MOVQ     mask+40(FP), R9
	VMOVDQU  (R8), Y0
	VMOVDQU  32(R8), Y1
	VMOVDQU  (R9), Y2
	VMOVDQU  32(R9), Y3
	LEAQ     (SI)(CX*8), CX
	CMPQ     SI, CX
	JEQ      out
	VPAND    Y2, Y3, Y4
	VPCMPEQD Y5, Y5, Y5
	VPTEST   Y5, Y4
	JCS      whole

loop:
	MOVQ    (SI), AX
	MOVQ    header_meta(AX), AX
	VPANDN  (AX)(DI*1), Y2, Y4
	VPANDN  32(AX)(DI*1), Y3, Y5
	VPOR    Y0, Y4, Y4
	VPOR    Y1, Y5, Y5
	VMOVDQU Y4, (AX)(DI*1)
	VMOVDQU Y5, 32(AX)(DI*1)
	ADDQ    $8, SI
	CMPQ    SI, CX
	JNE     loop
	JMP     out

whole: // nothing to keep
	MOVQ    (SI), AX
	MOVQ    header_meta(AX), AX
	VMOVDQU Y0, (AX)(DI*1)
	VMOVDQU Y1, 32(AX)(DI*1)
	ADDQ    $8, SI
	CMPQ    SI, CX
	JNE     whole

out:
	VZEROUPPER
	RET
