// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func stampWide(ps []Packet, images []Image, i int) (done, next int)
TEXT ·stampWide(SB), NOSPLIT, $0-72
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  images_base+24(FP), R8
	MOVQ  images_len+32(FP), R9
	MOVQ  i+48(FP), R11            // the image whose turn it is
	MOVQ  R11, DX
	IMULQ $Image__size, DX
	ADDQ  R8, DX                   // its address
	XORQ  DI, DI                   // packets done
	CMPQ  R9, $1
	JEQ   same

loop:
	MOVQ    (SI)(DI*8), AX
	CMPQ    header_link(AX), $0
	JNE     out
	MOVQ    header_buf(AX), BX
	MOVQ    Image_lens(DX), R10
	VMOVDQU Image_data(DX), Y0
	VMOVDQU (Image_data+32)(DX), Y1
	ADDQ    $const_Headroom, BX
	MOVQ    BX, header_data(AX)
	MOVQ    R10, header_len(AX)
	VMOVDQU Y0, (BX)
	VMOVDQU Y1, 32(BX)
	ADDQ    $Image__size, DX
	INCQ    R11
	CMPQ    R11, R9
	JNE     more
	XORQ    R11, R11
	MOVQ    R8, DX

more:
	INCQ DI
	CMPQ DI, CX
	JNE  loop
	JMP  out

same: // a single image stays in registers
	MOVQ    Image_lens(DX), R10
	VMOVDQU Image_data(DX), Y0
	VMOVDQU (Image_data+32)(DX), Y1

again:
	MOVQ    (SI)(DI*8), AX
	CMPQ    header_link(AX), $0
	JNE     out
	MOVQ    header_buf(AX), BX
	MOVQ    R10, header_len(AX)
	ADDQ    $const_Headroom, BX
	MOVQ    BX, header_data(AX)
	VMOVDQU Y0, (BX)
	VMOVDQU Y1, 32(BX)
	INCQ    DI
	CMPQ    DI, CX
	JNE     again

out:
	VZEROUPPER
	MOVQ DI, done+56(FP)
	MOVQ R11, next+64(FP)
	RET
