// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func handBack(done, ahead *byte)
TEXT ·handBack(SB), NOSPLIT, $0-16
	MOVQ done+0(FP), AX
	MOVQ ahead+8(FP), BX
	MOVL $0, (AX)               // TP_STATUS_KERNEL
	BYTE $0x0F; BYTE $0x0D; BYTE $0x0B // PREFETCHW (BX)
	PREFETCHT0 64(BX)
	PREFETCHT0 128(BX)
	RET
