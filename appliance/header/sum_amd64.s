// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func sumAVX2(data []byte) uint64
TEXT ·sumAVX2(SB), NOSPLIT, $0-32
	MOVQ     data_base+0(FP), SI
	MOVQ     data_len+8(FP), CX
	SHRQ     $7, CX
	VPXOR    Y0, Y0, Y0
	VPXOR    Y1, Y1, Y1
	VPXOR    Y2, Y2, Y2
	VPXOR    Y3, Y3, Y3
	VPCMPEQD Y15, Y15, Y15
	VPSRLD   $16, Y15, Y15 // the lower word of every pair

loop:
	VMOVDQU (SI), Y4
	VMOVDQU 32(SI), Y5
	VMOVDQU 64(SI), Y6
	VMOVDQU 96(SI), Y7
	VPAND   Y15, Y4, Y8
	VPAND   Y15, Y5, Y9
	VPAND   Y15, Y6, Y10
	VPAND   Y15, Y7, Y11
	VPSRLD  $16, Y4, Y4
	VPSRLD  $16, Y5, Y5
	VPSRLD  $16, Y6, Y6
	VPSRLD  $16, Y7, Y7
	VPADDD  Y8, Y4, Y4
	VPADDD  Y9, Y5, Y5
	VPADDD  Y10, Y6, Y6
	VPADDD  Y11, Y7, Y7
	VPADDD  Y4, Y0, Y0
	VPADDD  Y5, Y1, Y1
	VPADDD  Y6, Y2, Y2
	VPADDD  Y7, Y3, Y3
	ADDQ    $128, SI
	DECQ    CX
	JNZ     loop

	// The 32 sums of 32 bits become one of 64.
	VPXOR        Y15, Y15, Y15
	VPADDD       Y1, Y0, Y0
	VPADDD       Y3, Y2, Y2
	VPADDD       Y2, Y0, Y0
	VPUNPCKLDQ   Y15, Y0, Y1
	VPUNPCKHDQ   Y15, Y0, Y2
	VPADDQ       Y2, Y1, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDQ       X1, X0, X0
	VPSRLDQ      $8, X0, X1
	VPADDQ       X1, X0, X0
	VMOVQ        X0, AX
	VZEROUPPER
	MOVQ         AX, ret+24(FP)
	RET
