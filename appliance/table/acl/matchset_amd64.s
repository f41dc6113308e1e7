// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// Where the words of eight keys are in two registers.
DATA addrsOf<>+0(SB)/8, $0
DATA addrsOf<>+8(SB)/8, $2
DATA addrsOf<>+16(SB)/8, $4
DATA addrsOf<>+24(SB)/8, $6
DATA addrsOf<>+32(SB)/8, $8
DATA addrsOf<>+40(SB)/8, $10
DATA addrsOf<>+48(SB)/8, $12
DATA addrsOf<>+56(SB)/8, $14
GLOBL addrsOf<>(SB), RODATA|NOPTR, $64
DATA portsOf<>+0(SB)/8, $1
DATA portsOf<>+8(SB)/8, $3
DATA portsOf<>+16(SB)/8, $5
DATA portsOf<>+24(SB)/8, $7
DATA portsOf<>+32(SB)/8, $9
DATA portsOf<>+40(SB)/8, $11
DATA portsOf<>+48(SB)/8, $13
DATA portsOf<>+56(SB)/8, $15
GLOBL portsOf<>(SB), RODATA|NOPTR, $64

// func matchSetAVX512(t *ternary, keys *[64]Key) (set uint64)
TEXT ·matchSetAVX512(SB), NOSPLIT, $0-24
	MOVQ         t+0(FP), AX
	MOVQ         keys+8(FP), SI
	VMOVDQU64    addrsOf<>(SB), Z8
	VMOVDQU64    portsOf<>(SB), Z9
	VPBROADCASTQ ternary_addrsMask(AX), Z10
	VPBROADCASTQ ternary_addrs(AX), Z11
	VPBROADCASTQ ternary_portsMask(AX), Z12
	VPBROADCASTQ ternary_ports(AX), Z13
	XORQ         CX, CX
	XORQ         DX, DX

loop:
	VMOVDQU64  (SI), Z0
	VMOVDQU64  64(SI), Z1
	VMOVDQA64  Z8, Z2
	VMOVDQA64  Z9, Z3
	VPERMI2Q   Z1, Z0, Z2
	VPERMI2Q   Z1, Z0, Z3
	VPTERNLOGQ $0x6a, Z11, Z10, Z2 // addresses & mask ^ value
	VPTERNLOGQ $0x6a, Z13, Z12, Z3
	VPORQ      Z2, Z3, Z3
	VPTESTNMQ  Z3, Z3, K1
	KMOVB      K1, AX
	SHLQ       CX, AX
	ORQ        AX, DX
	ADDQ       $128, SI
	ADDQ       $8, CX
	CMPQ       CX, $64
	JNE        loop
	VZEROUPPER
	MOVQ       DX, set+16(FP)
	RET
