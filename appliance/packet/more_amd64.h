// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// MORE sets x to what is added to header.data, header.len and header.total, all
// at once, when n bytes are put in front; to remove them it is subtracted.
#define MORE(n, r, t, x) \
	MOVQ       $-n, r; \
	MOVQ       r, x; \
	MOVQ       $(n<<32|n), r; \
	MOVQ       r, t; \
	PUNPCKLQDQ t, x
