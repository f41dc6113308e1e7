// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func equal64(list *[64]uint16, v uint16) (mask uint64)
TEXT ·equal64(SB), NOSPLIT, $0-24
	MOVQ         list+0(FP), SI
	MOVWLZX      v+8(FP), AX
	VPBROADCASTW AX, Z0
	VPCMPEQW     (SI), Z0, K1
	VPCMPEQW     64(SI), Z0, K2
	KMOVD        K1, AX
	KMOVD        K2, BX
	SHLQ         $32, BX
	ORQ          BX, AX
	VZEROUPPER
	MOVQ         AX, mask+16(FP)
	RET

// func pick64(dst, src *[64]Packet, mask uint64)
TEXT ·pick64(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ mask+16(FP), AX

	// Eight packets a turn. What is stored too much is inside dst, since no
	// more than eight a turn have been stored before.
loop:
	KMOVB         AX, K1
	MOVBQZX       AX, BX
	POPCNTQ       BX, BX
	VMOVDQU64     (SI), Z0
	VPCOMPRESSQ.Z Z0, K1, Z1
	VMOVDQU64     Z1, (DI)
	LEAQ          (DI)(BX*8), DI
	ADDQ          $64, SI
	SHRQ          $8, AX
	JNE           loop
	VZEROUPPER
	RET
