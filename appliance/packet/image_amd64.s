// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// All forms write the two words of the header, data and lens, which are
// neighbours, with one store. None loads more of the header than it must:
// a load waits for the stores before it to lines at the same place of another
// page.

// func stampAVX2(ps []Packet, images []Image, i int) (done, next int)
TEXT ·stampAVX2(SB), NOSPLIT, $0-72
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  images_base+24(FP), R8
	MOVQ  images_len+32(FP), R9
	MOVQ  i+48(FP), R11            // the image whose turn it is
	MOVQ  R11, DX
	IMULQ $Image__size, DX
	ADDQ  R8, DX                   // its address
	XORQ  DI, DI                   // packets done

loop:
	MOVQ    (SI)(DI*8), AX
	CMPQ    header_link(AX), $0
	JNE     out
	LEAQ    const_front(AX), BX
	VMOVDQU Image_head(DX), Y0
	VMOVDQU (Image_head+32)(DX), Y1
	VMOVQ   BX, X2
	VMOVHPS Image_lens(DX), X2, X2
	VMOVDQU X2, header_data(AX)
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

out:
	VZEROUPPER
	MOVQ DI, done+56(FP)
	MOVQ R11, next+64(FP)
	RET

// func stampAVX512(ps []Packet, images []Image, i int) (done, next int)
TEXT ·stampAVX512(SB), NOSPLIT, $0-72
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  images_base+24(FP), R8
	MOVQ  images_len+32(FP), R9
	MOVQ  i+48(FP), R11
	MOVQ  R11, DX
	IMULQ $Image__size, DX
	ADDQ  R8, DX
	XORQ  DI, DI
	CMPQ  R9, $1
	JEQ   same

loop:
	MOVQ      (SI)(DI*8), AX
	CMPQ      header_link(AX), $0
	JNE       out
	LEAQ      const_front(AX), BX
	VMOVDQU64 Image_head(DX), Z0
	VMOVQ     BX, X2
	VMOVHPS   Image_lens(DX), X2, X2
	VMOVDQU   X2, header_data(AX)
	VMOVDQU64 Z0, (BX)
	ADDQ      $Image__size, DX
	INCQ      R11
	CMPQ      R11, R9
	JNE       more
	XORQ      R11, R11
	MOVQ      R8, DX

more:
	INCQ DI
	CMPQ DI, CX
	JNE  loop
	JMP  out

same: // a single image stays in registers, and packets go in pairs
	VMOVQ     Image_lens(DX), X1
	VMOVDQU64 Image_head(DX), Z0
	DECQ      CX

pair:
	CMPQ        DI, CX
	JGE         single
	MOVQ        (SI)(DI*8), AX
	MOVQ        8(SI)(DI*8), R10
	MOVQ        header_link(AX), DX
	ORQ         header_link(R10), DX
	JNE         single
	LEAQ        const_front(AX), BX
	LEAQ        const_front(R10), R12
	VMOVQ       BX, X2
	VMOVQ       R12, X3
	VPUNPCKLQDQ X1, X2, X2
	VPUNPCKLQDQ X1, X3, X3
	VMOVDQU     X2, header_data(AX)
	VMOVDQU     X3, header_data(R10)
	VMOVDQU64   Z0, (BX)
	VMOVDQU64   Z0, (R12)
	ADDQ        $2, DI
	JMP         pair

single: // the last of an odd number, or the one before a packet to stop at
	CMPQ        DI, CX
	JGT         out
	MOVQ        (SI)(DI*8), AX
	CMPQ        header_link(AX), $0
	JNE         out
	LEAQ        const_front(AX), BX
	VMOVQ       BX, X2
	VPUNPCKLQDQ X1, X2, X2
	VMOVDQU     X2, header_data(AX)
	VMOVDQU64   Z0, (BX)
	INCQ        DI
	JMP         single

out:
	VZEROUPPER
	MOVQ DI, done+56(FP)
	MOVQ R11, next+64(FP)
	RET

// func stampTailsAVX512(ps []Packet, images []Image, i int)
TEXT ·stampTailsAVX512(SB), NOSPLIT, $0-56
	MOVQ  ps_base+0(FP), SI
	MOVQ  ps_len+8(FP), CX
	MOVQ  images_base+24(FP), R8
	MOVQ  images_len+32(FP), R9
	MOVQ  i+48(FP), R11            // the image whose turn it is
	MOVQ  R11, DX
	IMULQ $Image__size, DX
	ADDQ  R8, DX                   // its address
	TESTQ CX, CX
	JEQ   out

loop:
	CMPB      Image_lens(DX), $const_imageHead
	JLS       short
	MOVQ      (SI), AX
	VMOVDQU64 Image_tail(DX), Z0
	VMOVDQU64 Z0, (const_front+const_imageHead)(AX)

short:
	ADDQ $8, SI
	ADDQ $Image__size, DX
	INCQ R11
	CMPQ R11, R9
	JNE  more
	XORQ R11, R11
	MOVQ R8, DX

more:
	DECQ CX
	JNE  loop

out:
	VZEROUPPER
	RET

// func freshAVX512(dst []Packet, src *Packet, im *Image)
TEXT ·freshAVX512(SB), NOSPLIT, $0-40
	MOVQ      dst_base+0(FP), DI
	MOVQ      dst_len+8(FP), CX
	MOVQ      src+24(FP), SI
	MOVQ      im+32(FP), DX
	VMOVQ     Image_lens(DX), X1
	VMOVDQU64 Image_head(DX), Z0
	SUBQ      $8, CX
	JLT       rest

#define pair(i) \
	MOVQ        i(SI), AX             \
	MOVQ        (i+8)(SI), R10        \
	LEAQ        const_front(AX), BX   \
	LEAQ        const_front(R10), R12 \
	VMOVQ       BX, X2                \
	VMOVQ       R12, X3               \
	VPUNPCKLQDQ X1, X2, X2            \
	VPUNPCKLQDQ X1, X3, X3            \
	VMOVDQU     X2, header_data(AX)   \
	VMOVDQU     X3, header_data(R10)  \
	VMOVDQU64   Z0, (BX)              \
	VMOVDQU64   Z0, (R12)

eight:
	VMOVDQU64 (SI), Z4
	VMOVDQU64 Z4, (DI)
	pair(0)
	pair(16)
	pair(32)
	pair(48)
	ADDQ      $64, SI
	ADDQ      $64, DI
	SUBQ      $8, CX
	JGE       eight

rest:
	ADDQ $8, CX
	JEQ  out

one:
	MOVQ        (SI), AX
	MOVQ        AX, (DI)
	LEAQ        const_front(AX), BX
	VMOVQ       BX, X2
	VPUNPCKLQDQ X1, X2, X2
	VMOVDQU     X2, header_data(AX)
	VMOVDQU64   Z0, (BX)
	ADDQ        $8, SI
	ADDQ        $8, DI
	DECQ        CX
	JNE         one

out:
	VZEROUPPER
	RET
