// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "frames_amd64.h"
#include "go_asm.h"
#include "textflag.h"

// func hashFlows4SSE42(ps []Packet, hashes *[64]uint32) (other uint64)
TEXT ·hashFlows4SSE42(SB), NOSPLIT, $0-40
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  hashes+24(FP), R8
	XORL  DX, DX
	XORL  DI, DI
	TESTQ CX, CX
	JEQ   out

loop:
	MOVQ    (SI)(DI*8), AX
	CMPL    header_len(AX), $(sizeEthernet+sizeIPv4+4)
	JCS     unusual
	MOVQ    header_data(AX), BX
	MOVL    12(BX), R9
	ANDL    $plainStartMask, R9
	CMPL    R9, $plainStart
	JNE     unusual
	MOVL    20(BX), R10
	TESTL   $pieceBits, R10
	JNE     unusual
	MOVWLZX 16(BX), R9               // total length
	ROLW    $8, R9
	CMPL    R9, $(sizeIPv4+4)
	JCS     unusual
	SHRL    $24, R10                 // protocol
	CMPL    R10, $protoUDP
	JEQ     ports
	CMPL    R10, $protoTCP
	JNE     unusual

ports:
	CRC32L 34(BX), R10
	CRC32Q 26(BX), R10
	MOVL   R10, (R8)(DI*4)

next:
	INCQ DI
	CMPQ DI, CX
	JNE  loop

out:
	MOVQ DX, other+32(FP)
	RET

unusual:
	BTSQ DI, DX
	JMP  next
