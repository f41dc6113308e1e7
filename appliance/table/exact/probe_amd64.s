// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func probe1(v *View, keys []uint64, found *[64]uint64)
TEXT ·probe1(SB), NOSPLIT, $0-40
	MOVQ    v+0(FP), AX
	MOVQ    View_slots(AX), BX
	MOVBLZX View_shift(AX), CX
	MOVQ    keys_base+8(FP), SI
	MOVQ    keys_len+16(FP), R8
	MOVQ    found+32(FP), DI
	MOVQ    $const_mix0, R9
	MOVQ    $const_mix1, DX
	MOVL    $0xaaaa, R10 // the high halves, which have hashes
	KMOVW   R10, K1
	LEAQ    (SI)(R8*8), R8

key: // R11 is the hash, R12 where the line is.
	MOVQ  (SI), R11
	XORQ  R9, R11
	MULXQ R11, R11, R12
	XORQ  R12, R11
	SHRXQ CX, R11, R12
	ANDQ  $~7, R12
	LEAQ  (BX)(R12*8), R12

	VMOVDQU64    (R12), Z0
	VPBROADCASTD R11, Z1
	VPCMPEQD     Z0, Z1, K1, K2
	VPTESTNMQ    Z0, Z0, K3

	// Without an empty slot the key may be in the next line: 1, deleted.
	KMOVW  K3, R13
	XORL   R14, R14
	CMPL   R13, $1
	ADCL   $0, R14
	KMOVW  K2, R13
	TZCNTL R13, R13                // 32 if the hash is not there,
	CMOVQCC -4(R12)(R13*4), R14    // which reads behind the line, but not the memory
	MOVQ   R14, (DI)
	ADDQ   $8, SI
	ADDQ   $8, DI
	CMPQ   SI, R8
	JB     key

	VZEROUPPER
	RET
