// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "frames_amd64.h"
#include "go_asm.h"
#include "more_amd64.h"
#include "textflag.h"

// func pushIPv4(ps []Packet, src, dst, proto, nextHop, typ int) (left uint64)
TEXT ·pushIPv4(SB), NOSPLIT, $0-72
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  src+24(FP), R11
	MOVQ  dst+32(FP), R13
	MOVQ  proto+40(FP), DI
	MOVQ  $ipv4Start, DX
	MORE(sizeIPv4, R8, X1, X0)
	MOVQ  $0, left+64(FP)
	LEAQ  (SI)(CX*8), CX
	CMPQ  SI, CX
	JEQ   out

loop:
	MOVQ    (SI), AX
	MOVQ    header_data(AX), BX
	MOVOU   header_data(AX), X1
	MOVL    header_total(AX), R8
	MOVQ    BX, R9
	SUBQ    header_buf(AX), R9
	CMPQ    R9, $sizeIPv4
	JCS     alone
	CMPL    R8, $ipv4Longest
	JHI     alone
	MOVQ    header_meta(AX), R10
	MOVL    (R10)(R11*1), R12
	MOVL    (R10)(R13*1), R14
	MOVBLZX (R10)(DI*1), R9

	// Bytes 0..7: the length.
	ADDL $sizeIPv4, R8
	ROLW $8, R8
	MOVQ R8, R15
	SHLQ $16, R15
	ORQ  DX, R15
	MOVQ R15, -sizeIPv4(BX)

	// Bytes 8..15: TTL, protocol, checksum and source.
	SHLL $8, R9
	ORL  $ipv4TTL, R9
	LEAL ipv4Sum(R8)(R9*1), R8
	ADDL R12, R8
	ADCL R14, R8
	ADCL $0, R8
	MOVL R8, R15
	ROLL $16, R15
	ADDL R15, R8
	NOTL R8
	ANDL $0xffff0000, R8
	ORL  R9, R8
	SHLQ $32, R12
	ORQ  R12, R8
	MOVQ R8, (-sizeIPv4+8)(BX)

	// Bytes 16..19: the destination.
	MOVL R14, (-sizeIPv4+16)(BX)

	PADDQ X0, X1
	MOVOU X1, header_data(AX)
	MOVQ  nextHop+48(FP), R8
	TESTQ R8, R8
	JLT   typed
	MOVL  R14, (R10)(R8*1)

typed:
	MOVQ  typ+56(FP), R8
	TESTQ R8, R8
	JLT   next
	MOVW  $typeIPv4, (R10)(R8*1)

next:
	ADDQ $8, SI
	CMPQ SI, CX
	JNE  loop

out:
	RET

alone:
	MOVQ SI, R8
	SUBQ ps_base+0(FP), R8
	SHRQ $3, R8
	MOVQ left+64(FP), R9
	BTSQ R8, R9
	MOVQ R9, left+64(FP)
	JMP  next

// func pullVXLAN(ps []Packet, src, dst, id int) (left uint64)
TEXT ·pullVXLAN(SB), NOSPLIT, $0-56
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  src+24(FP), R11
	MOVQ  dst+32(FP), R12
	MOVQ  id+40(FP), R13
	XORL  DX, DX
	XORL  DI, DI
	MORE(sizeTunnel, R8, X1, X0)
	TESTQ CX, CX
	JEQ   out

loop:
	MOVQ    (SI)(DI*8), AX
	CMPL    header_len(AX), $sizeTunnel
	JCS     alone
	MOVQ    header_data(AX), BX
	MOVOU   header_data(AX), X1
	MOVL    12(BX), R8                // EtherType, version and header length
	ANDL    $plainStartMask, R8
	CMPL    R8, $plainStart
	JNE     alone
	MOVL    20(BX), R8
	ANDL    $udpPieceMask, R8
	CMPL    R8, $udpPiece
	JNE     alone
	MOVWLZX 16(BX), R8                // the total length of IPv4
	ROLW    $8, R8
	CMPL    R8, $sizeIPv4
	JCS     alone
	MOVWLZX 38(BX), R8                // the length of UDP
	ROLW    $8, R8
	CMPL    R8, $(sizeUDP+sizeVXLAN+sizeEthernet)
	JCS     alone
	ADDL    $(sizeEthernet+sizeIPv4), R8
	CMPL    R8, header_total(AX)
	JNE     alone
	MOVBLZX 42(BX), R8
	TESTL   $vxlanValid, R8
	JEQ     alone
	MOVQ    header_meta(AX), R10
	TESTQ   R11, R11
	JLT     fromDone
	MOVL    26(BX), R8
	MOVL    R8, (R10)(R11*1)

fromDone:
	TESTQ R12, R12
	JLT   toDone
	MOVL  30(BX), R8
	MOVL  R8, (R10)(R12*1)

toDone:
	TESTQ R13, R13
	JLT   idDone
	MOVL  46(BX), R8
	SHLL  $8, R8              // 0 and the three bytes of the identifier
	MOVL  R8, (R10)(R13*1)

idDone:
	PSUBQ X0, X1
	MOVOU X1, header_data(AX)

next:
	INCQ DI
	CMPQ DI, CX
	JNE  loop

out:
	MOVQ DX, left+48(FP)
	RET

alone:
	BTSQ DI, DX
	JMP  next
