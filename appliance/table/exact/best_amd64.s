// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func best2(v *View, mask *[2]uint64, set, table uint64, b *Best) (found, more uint64)
TEXT ·best2(SB), NOSPLIT, $0-56
	MOVQ v+0(FP), R10
	MOVQ mask+8(FP), BX
	MOVQ set+16(FP), CX
	MOVQ b+32(FP), R8
	MOVQ Best_keys(R8), DI

	// One bit for each key of the set, the last one's the lowest: it is not in
	// its first slot, the slot is not empty.
	XORL R13, R13
	XORL R14, R14

next: // AX is the highest key left, R11 and R12 its words.
	LZCNTQ CX, AX
	XORQ   $63, AX
	BTRQ   AX, CX
	MOVQ   AX, R9
	SHLQ   $4, R9
	MOVQ   (DI)(R9*1), R11
	MOVQ   8(DI)(R9*1), R12
	ANDQ   (BX), R11
	ANDQ   8(BX), R12

	// Hash2, and the slot that it chooses.
	MOVQ    $const_mix0, DX
	MOVQ    $const_mix1, SI
	XORQ    R11, DX
	XORQ    R12, SI
	MULXQ   SI, SI, R15
	XORQ    R15, SI
	MOVBLZX View_shift(R10), R15
	SHRXQ   R15, SI, SI
	MOVQ    View_slots(R10), R15
	MOVQ    (R15)(SI*8), SI

	// R9 is the number of the cell; 0 if the slot has none, DX is then -1.
	LEAL  -const_firstID(SI), R9
	CMPQ  SI, $const_firstID
	SBBQ  DX, DX
	ANDNL R9, DX, R9

	// R11 is 0 if the cell, R15, has the key, -1 if not.
	MOVQ  R9, R15
	IMULQ View_size(R10), R15
	ADDQ  View_cells(R10), R15
	XORQ  (R15), R11
	XORQ  8(R15), R12
	ORQ   DX, R11
	ORQ   R12, R11
	NEGQ  R11
	SBBQ  R11, R11
	ADCQ  R13, R13
	NEGQ  SI
	ADCQ  R14, R14

	// Rank, number and place; the rank is 0 if the key is not found. The
	// higher rank stays.
	ANDNQ   16(R15), R11, R12
	MOVWLZX 24(R15), R15
	ORQ     table+24(FP), R9
	MOVQ    Best_First(R8), SI
	MOVWLZX (SI)(AX*2), R11
	MOVQ    Best_Place(R8), DX
	CMPQ    R12, Best_Rank(R8)(AX*8)
	CMOVQLS Best_Rank(R8)(AX*8), R12
	CMOVLLS R11, R15
	CMOVQLS (DX)(AX*8), R9
	MOVQ    R12, Best_Rank(R8)(AX*8)
	MOVW    R15, (SI)(AX*2)
	MOVQ    R9, (DX)(AX*8)
	CMPQ    R12, Best_Highest(R8)
	CMOVQLS Best_Highest(R8), R12
	MOVQ    R12, Best_Highest(R8)

	TESTQ CX, CX
	JNE   next

	MOVQ  set+16(FP), CX
	ANDQ  R13, R14
	PDEPQ CX, R13, R13
	PDEPQ CX, R14, R14
	XORQ  CX, R13
	MOVQ  R13, found+40(FP)
	MOVQ  R14, more+48(FP)
	RET
