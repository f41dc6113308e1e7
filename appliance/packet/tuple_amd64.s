// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// Each is for the 16 bytes of one packet. A byte of a shuffle is where the
// result's byte comes from, 0x80 for zero.

// keyOf: bytes 22 to 37 of a packet become addresses and ports.
DATA keyOf<>+0(SB)/8, $0x0405060708090a0b
DATA keyOf<>+8(SB)/8, $0x808080800c0d0e0f
GLOBL keyOf<>(SB), RODATA|NOPTR, $16

// protoOf: of the same bytes, the protocol in the two words of the ports.
DATA protoOf<>+0(SB)/8, $0x8080808080808080
DATA protoOf<>+8(SB)/8, $0x8080800180808001
GLOBL protoOf<>(SB), RODATA|NOPTR, $16

// hasPorts is TuplePorts.
DATA hasPorts<>+0(SB)/8, $0
DATA hasPorts<>+8(SB)/8, $const_TuplePorts
GLOBL hasPorts<>(SB), RODATA|NOPTR, $16

// plain: what bytes 6 to 21 are compared with, and those that are compared.
DATA plain<>+0(SB)/8, $0x0008000000000000
DATA plain<>+8(SB)/8, $0x0000000000000045
GLOBL plain<>(SB), RODATA|NOPTR, $16
DATA plainMask<>+0(SB)/8, $0xffff000000000000
DATA plainMask<>+8(SB)/8, $0xff1f0000000000ff
GLOBL plainMask<>(SB), RODATA|NOPTR, $16

// totalOf: of the same bytes, the total length as the last of four words.
DATA totalOf<>+0(SB)/8, $0x8080808080808080
DATA totalOf<>+8(SB)/8, $0x80800a0b80808080
GLOBL totalOf<>(SB), RODATA|NOPTR, $16

// least: header.len and header.total less the total length must be this much;
// leastTotal: and that this much.
DATA least<>+0(SB)/8, $0
DATA least<>+8(SB)/8, $0x0000000e00000026
GLOBL least<>(SB), RODATA|NOPTR, $16
DATA leastTotal<>+0(SB)/8, $0
DATA leastTotal<>+8(SB)/8, $0x0000001800000000
GLOBL leastTotal<>(SB), RODATA|NOPTR, $16

// sign: of both words.
DATA sign<>+0(SB)/8, $0
DATA sign<>+8(SB)/8, $0x8000000080000000
GLOBL sign<>(SB), RODATA|NOPTR, $16

// func readTuplesAVX512(ps []Packet, out *[BatchSize]tuple) bool
TEXT ·readTuplesAVX512(SB), NOSPLIT, $0-33
	MOVQ            ps_base+0(FP), SI
	MOVQ            ps_len+8(FP), CX
	MOVQ            out+24(FP), DI
	VBROADCASTI32X4 keyOf<>(SB), Z10
	VBROADCASTI32X4 protoOf<>(SB), Z11
	VBROADCASTI32X4 hasPorts<>(SB), Z12
	VBROADCASTI32X4 plain<>(SB), Z13
	VBROADCASTI32X4 plainMask<>(SB), Z14
	VBROADCASTI32X4 totalOf<>(SB), Z16
	VBROADCASTI32X4 least<>(SB), Z17
	VBROADCASTI32X4 leastTotal<>(SB), Z18
	MOVL            $6, AX
	VPBROADCASTD    AX, Z19
	MOVL            $17, AX
	VPBROADCASTD    AX, Z20
	MOVL            $132, AX
	VPBROADCASTD    AX, Z21
	MOVL            $0x3333, AX    // the addresses are always there
	KMOVW           AX, K4
	VPXORQ          Z22, Z22, Z22  // bits that must not be
	VPXORQ          Z23, Z23, Z23  // signs that must not be

loop:
	MOVQ         (SI), AX
	MOVQ         8(SI), BX
	MOVQ         16(SI), R10
	MOVQ         24(SI), R11
	VMOVDQU      header_data(AX), X1
	VINSERTI32X4 $1, header_data(BX), Z1, Z1
	VINSERTI32X4 $2, header_data(R10), Z1, Z1
	VINSERTI32X4 $3, header_data(R11), Z1, Z1
	MOVQ         header_data(AX), AX
	MOVQ         header_data(BX), BX
	MOVQ         header_data(R10), R10
	MOVQ         header_data(R11), R11
	VMOVDQU      22(AX), X2
	VINSERTI32X4 $1, 22(BX), Z2, Z2
	VINSERTI32X4 $2, 22(R10), Z2, Z2
	VINSERTI32X4 $3, 22(R11), Z2, Z2
	VMOVDQU      6(AX), X3
	VINSERTI32X4 $1, 6(BX), Z3, Z3
	VINSERTI32X4 $2, 6(R10), Z3, Z3
	VINSERTI32X4 $3, 6(R11), Z3, Z3

	// Z22 |= (Z3 ^ plain) & plainMask
	VPXORQ     Z13, Z3, Z4
	VPTERNLOGQ $0xf8, Z14, Z4, Z22

	// Z23 |= header - (total + least) | total - leastTotal
	VPSHUFB    Z16, Z3, Z3
	VPADDD     Z17, Z3, Z4
	VPSUBD     Z4, Z1, Z4
	VPSUBD     Z18, Z3, Z3
	VPTERNLOGD $0xfe, Z3, Z4, Z23

	VPSHUFB     Z11, Z2, Z4
	VPCMPEQD    Z4, Z19, K1
	VPCMPEQD    Z4, Z20, K2
	VPCMPEQD    Z4, Z21, K3
	KORW        K1, K2, K1
	KORW        K3, K4, K2
	KORW        K1, K2, K1
	VPSHUFB     Z10, Z2, Z2
	VPORD.Z     Z12, Z2, K1, Z2
	VMOVDQU64   Z2, (DI)
	ADDQ        $32, SI
	ADDQ        $64, DI
	SUBQ        $4, CX
	JNE         loop

	VBROADCASTI32X4 sign<>(SB), Z1
	VPTESTMD        Z1, Z23, K1
	VPTESTMD        Z22, Z22, K2
	KORTESTW        K1, K2
	SETEQ           ret+32(FP)
	VZEROUPPER
	RET
