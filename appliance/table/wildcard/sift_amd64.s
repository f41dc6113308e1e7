// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Byte 8j+i is 8i+j: turns eight words of eight bytes into the first bytes of
// all, the second bytes of all and so on.
DATA columns<>+0(SB)/8, $0x3830282018100800
DATA columns<>+8(SB)/8, $0x3931292119110901
DATA columns<>+16(SB)/8, $0x3a322a221a120a02
DATA columns<>+24(SB)/8, $0x3b332b231b130b03
DATA columns<>+32(SB)/8, $0x3c342c241c140c04
DATA columns<>+40(SB)/8, $0x3d352d251d150d05
DATA columns<>+48(SB)/8, $0x3e362e261e160e06
DATA columns<>+56(SB)/8, $0x3f372f271f170f07
GLOBL columns<>(SB), RODATA|NOPTR, $64

// LOOK ands to Z20 what the table of 256 bytes at off(BX) has for each byte of
// plane. K1, Z16 to Z19 are lost.
#define LOOK(plane, off) \
	VMOVDQU64 (off)(BX), Z16          \
	VMOVDQA64 plane, Z17              \
	VPERMI2B  (off+64)(BX), Z16, Z17  \
	VMOVDQU64 (off+128)(BX), Z18      \
	VMOVDQA64 plane, Z19              \
	VPERMI2B  (off+192)(BX), Z18, Z19 \
	VPMOVB2M  plane, K1               \
	VMOVDQU8  Z19, K1, Z17            \
	VPANDQ    Z17, Z20, Z20

// func siftWord(acc *[groups][64]byte, words *[64]uint64, t *wordTables, n int)
TEXT ·siftWord(SB), NOSPLIT, $0-32
	MOVQ acc+0(FP), DI
	MOVQ words+8(FP), SI
	MOVQ t+16(FP), BX
	MOVQ n+24(FP), CX

	// In each register the first bytes of eight words, then their second
	// bytes, and so on.
	VMOVDQU64 columns<>(SB), Z31
	VPERMB    (SI), Z31, Z0
	VPERMB    64(SI), Z31, Z1
	VPERMB    128(SI), Z31, Z2
	VPERMB    192(SI), Z31, Z3
	VPERMB    256(SI), Z31, Z4
	VPERMB    320(SI), Z31, Z5
	VPERMB    384(SI), Z31, Z6
	VPERMB    448(SI), Z31, Z7

	// The transposed matrix of eight times eight such pieces: Z8 gets the
	// first bytes of all 64 words, Z9 the second bytes, and so on to Z15.
	VPUNPCKLQDQ Z1, Z0, Z8
	VPUNPCKHQDQ Z1, Z0, Z9
	VPUNPCKLQDQ Z3, Z2, Z10
	VPUNPCKHQDQ Z3, Z2, Z11
	VPUNPCKLQDQ Z5, Z4, Z12
	VPUNPCKHQDQ Z5, Z4, Z13
	VPUNPCKLQDQ Z7, Z6, Z14
	VPUNPCKHQDQ Z7, Z6, Z15
	VSHUFI64X2  $0x88, Z10, Z8, Z0
	VSHUFI64X2  $0xdd, Z10, Z8, Z1
	VSHUFI64X2  $0x88, Z14, Z12, Z2
	VSHUFI64X2  $0xdd, Z14, Z12, Z3
	VSHUFI64X2  $0x88, Z11, Z9, Z4
	VSHUFI64X2  $0xdd, Z11, Z9, Z5
	VSHUFI64X2  $0x88, Z15, Z13, Z6
	VSHUFI64X2  $0xdd, Z15, Z13, Z7
	VSHUFI64X2  $0x88, Z2, Z0, Z8
	VSHUFI64X2  $0x88, Z6, Z4, Z9
	VSHUFI64X2  $0x88, Z3, Z1, Z10
	VSHUFI64X2  $0x88, Z7, Z5, Z11
	VSHUFI64X2  $0xdd, Z2, Z0, Z12
	VSHUFI64X2  $0xdd, Z6, Z4, Z13
	VSHUFI64X2  $0xdd, Z3, Z1, Z14
	VSHUFI64X2  $0xdd, Z7, Z5, Z15

group:
	VMOVDQU64 (DI), Z20
	LOOK(Z8, 0)
	LOOK(Z9, 256)
	LOOK(Z10, 512)
	LOOK(Z11, 768)
	LOOK(Z12, 1024)
	LOOK(Z13, 1280)
	LOOK(Z14, 1536)
	LOOK(Z15, 1792)
	VMOVDQU64 Z20, (DI)
	ADDQ      $64, DI
	ADDQ      $2048, BX
	DECQ      CX
	JNE       group
	VZEROUPPER
	RET

DATA evens<>+0(SB)/8, $0
DATA evens<>+8(SB)/8, $2
DATA evens<>+16(SB)/8, $4
DATA evens<>+24(SB)/8, $6
DATA evens<>+32(SB)/8, $8
DATA evens<>+40(SB)/8, $10
DATA evens<>+48(SB)/8, $12
DATA evens<>+56(SB)/8, $14
GLOBL evens<>(SB), RODATA|NOPTR, $64

// func half(words *[64]uint64, pairs *[128]uint64, second int)
TEXT ·half(SB), NOSPLIT, $0-24
	MOVQ         words+0(FP), DI
	MOVQ         pairs+8(FP), SI
	MOVQ         second+16(FP), AX
	VPBROADCASTQ AX, Z2
	VPADDQ       evens<>(SB), Z2, Z2
	MOVQ         $8, CX

eight:
	VMOVDQU64 (SI), Z0
	VMOVDQA64 Z2, Z1
	VPERMI2Q  64(SI), Z0, Z1
	VMOVDQU64 Z1, (DI)
	ADDQ      $128, SI
	ADDQ      $64, DI
	DECQ      CX
	JNE       eight
	VZEROUPPER
	RET

// func aboveAll(ranks *[64]uint64, rank uint64) (set uint64)
TEXT ·aboveAll(SB), NOSPLIT, $0-24
	MOVQ         ranks+0(FP), SI
	VPBROADCASTQ rank+8(FP), Z0
	MOVQ         $8, CX
	XORQ         AX, AX

eight: // the last eight first
	VPCMPUQ $1, (64*7)(SI), Z0, K1
	KMOVW   K1, BX
	SHLQ    $8, AX
	ORQ     BX, AX
	SUBQ    $64, SI
	DECQ    CX
	JNE     eight
	VZEROUPPER
	MOVQ    AX, set+16(FP)
	RET

// func spread(sets *[sieveMasks]uint64, acc *[groups][64]byte, n int)
TEXT ·spread(SB), NOSPLIT, $0-24
	MOVQ sets+0(FP), DI
	MOVQ acc+8(FP), SI
	MOVQ n+16(FP), CX

more:
	VMOVDQU64 (SI), Z0
	MOVQ      $7, BX

bit: // the highest one of each byte first
	VPMOVB2M Z0, K1
	KMOVQ    K1, AX
	MOVQ     AX, (DI)(BX*8)
	VPADDB   Z0, Z0, Z0
	DECQ     BX
	JGE      bit
	ADDQ     $64, SI
	ADDQ     $64, DI
	DECQ     CX
	JNE      more
	VZEROUPPER
	RET
