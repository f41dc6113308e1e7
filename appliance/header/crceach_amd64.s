// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func crc32cEachSSE42(words []uint32)
TEXT ·crc32cEachSSE42(SB), NOSPLIT, $0-24
	MOVQ  words_base+0(FP), SI
	MOVQ  words_len+8(FP), CX
	TESTQ CX, CX
	JEQ   out

loop:
	XORL   AX, AX
	CRC32L (SI), AX
	MOVL   AX, (SI)
	ADDQ   $4, SI
	DECQ   CX
	JNE    loop

out:
	RET
