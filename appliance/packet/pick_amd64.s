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

// PICK moves eight packets: those in the lowest bits of AX to the front, by a
// table (in half the time that VPCOMPRESSQ takes), and then to DI, which it
// leaves behind the last of them.
#define PICK(at) \
	MOVBQZX   AX, BX              \
	VPMOVZXBQ (DX)(BX*8), Z0      \
	VPERMQ    at(SI), Z0, Z1      \
	POPCNTQ   BX, BX              \
	VMOVDQU64 Z1, (DI)            \
	LEAQ      (DI)(BX*8), DI      \
	SHRQ      $8, AX

// func pick64(dst *Packet, src *[64]Packet, mask uint64, order *[256][8]uint8)
TEXT ·pick64(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ mask+16(FP), AX
	MOVQ order+24(FP), DX

	// All turns are always taken: when to stop cannot be foreseen.
	PICK(0)
	PICK(64)
	PICK(128)
	PICK(192)
	PICK(256)
	PICK(320)
	PICK(384)
	PICK(448)
	VZEROUPPER
	RET
