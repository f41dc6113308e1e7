// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "more_amd64.h"
#include "textflag.h"

// func pushTagsAVX(ps []Packet, first, other uint32) (left uint64)
TEXT ·pushTagsAVX(SB), NOSPLIT, $0-40
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVL  first+24(FP), R8
	MOVL  other+28(FP), R9
	MORE(const_tagSize, R10, X1, X2)
	XORL  DX, DX
	XORL  DI, DI
	TESTQ CX, CX
	JEQ   out

loop:
	MOVQ    (SI)(DI*8), AX
	VMOVDQU header_data(AX), X1
	MOVQ    header_data(AX), BX
	MOVQ    BX, R11
	SUBQ    header_buf(AX), R11
	CMPQ    R11, $const_tagSize
	JCS     alone
	CMPL    header_len(AX), $16
	JCS     alone
	VMOVDQU (BX), X0
	VPEXTRW $(const_tagAt/2), X0, R12
	MOVL    R8, R13
	CMPW    R12, R8
	CMOVLEQ R9, R13
	CMPW    R12, R9
	CMOVLEQ R9, R13
	VPINSRD $(const_tagAt/4), R13, X0, X0
	VPADDQ  X2, X1, X1
	VMOVDQU X0, -const_tagSize(BX)
	VMOVDQU X1, header_data(AX)

next:
	INCQ DI
	CMPQ DI, CX
	JNE  loop

out:
	MOVQ DX, left+32(FP)
	RET

alone:
	BTSQ DI, DX
	JMP  next

// func popTagsAVX(ps []Packet, a, b uint16) (left uint64)
TEXT ·popTagsAVX(SB), NOSPLIT, $0-40
	MOVQ    ps_base+0(FP), SI
	MOVQ    ps_len+8(FP), CX
	MOVWLZX a+24(FP), R8
	MOVWLZX b+26(FP), R9
	MORE(const_tagSize, R10, X1, X2)
	XORL    DX, DX
	XORL    DI, DI
	TESTQ   CX, CX
	JEQ     out

loop:
	MOVQ    (SI)(DI*8), AX
	CMPL    header_len(AX), $(const_tagSize+const_typeEnd)
	JCS     alone
	MOVQ    header_data(AX), BX
	VMOVDQU header_data(AX), X1
	VMOVDQU (BX), X0
	VPEXTRW $(const_tagAt/2), X0, R12
	CMPL    R12, R8
	JEQ     tagged
	CMPL    R12, R9
	JNE     alone

tagged:
	VPSLLDQ $const_tagSize, X0, X0
	VMOVDQU X0, (BX)                // the first bytes are headroom now
	VPSUBQ  X2, X1, X1
	VMOVDQU X1, header_data(AX)

next:
	INCQ DI
	CMPQ DI, CX
	JNE  loop

out:
	MOVQ DX, left+32(FP)
	RET

alone:
	BTSQ DI, DX
	JMP  next
