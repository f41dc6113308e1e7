// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/binary"
	"hash/crc32"
)

// crcTables holds the tables of the slicing-by-8 method for the reflected
// Castagnoli polynomial: crcTables[k][b] is the remainder of byte b followed
// by k zero bytes.
var crcTables = makeCRCTables()

func makeCRCTables() (t [8][256]uint32) {
	t[0] = *crc32.MakeTable(crc32.Castagnoli)
	for k := 1; k < 8; k++ {
		for b := range 256 {
			prev := t[k-1][b]
			t[k][b] = prev>>8 ^ t[0][byte(prev)]
		}
	}
	return t
}

// CRC32C returns the CRC-32C (Castagnoli, reflected) of data without the usual
// inversions before and after (spec: modules/README.md section 2.5). crc is 0
// or the result for the bytes in front of data.
func CRC32C(crc uint32, data []byte) uint32 {
	if len(data) > 16 {
		return ^crc32.Update(^crc, castagnoli, data)
	}
	for len(data) >= 8 {
		crc = CRC32CUint64(crc, binary.LittleEndian.Uint64(data))
		data = data[8:]
	}
	for _, b := range data {
		crc = crc>>8 ^ crcTables[0][byte(crc)^b]
	}
	return crc
}

// castagnoli is the very table for which hash/crc32 uses the processor.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32CUint16 is CRC32C over the two bytes of v, low byte first.
func CRC32CUint16(crc uint32, v uint16) uint32 {
	x := crc ^ uint32(v)
	return crc>>16 ^ crcTables[1][byte(x)] ^ crcTables[0][byte(x>>8)]
}

// CRC32CUint32 is CRC32C over the four bytes of v, low byte first.
func CRC32CUint32(crc, v uint32) uint32 {
	x := crc ^ v
	return crcTables[3][byte(x)] ^ crcTables[2][byte(x>>8)] ^ crcTables[1][byte(x>>16)] ^ crcTables[0][x>>24]
}

// CRC32CUint64 is CRC32C over the eight bytes of v, low byte first.
func CRC32CUint64(crc uint32, v uint64) uint32 {
	x := uint64(crc) ^ v
	return crcTables[7][byte(x)] ^ crcTables[6][byte(x>>8)] ^ crcTables[5][byte(x>>16)] ^ crcTables[4][byte(x>>24)] ^
		crcTables[3][byte(x>>32)] ^ crcTables[2][byte(x>>40)] ^ crcTables[1][byte(x>>48)] ^ crcTables[0][x>>56]
}
