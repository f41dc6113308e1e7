// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "testing"

func checkEach(t *testing.T, data []byte) {
	t.Helper()
	var words []uint32
	for ; len(data) >= 4; data = data[4:] {
		words = append(words, le.Uint32(data))
	}
	chosen, portable := append([]uint32(nil), words...), append([]uint32(nil), words...)
	CRC32CEach(chosen)
	crc32cEachPortable(portable)
	for i, w := range words {
		if want := CRC32C(0, le.AppendUint32(nil, w)); chosen[i] != want || portable[i] != want {
			t.Errorf("word %d of %d: %#x: %#x, portable %#x, want %#x", i, len(words), w, chosen[i], portable[i], want)
		}
	}
}

func TestCRC32CEach(t *testing.T) {
	data := make([]byte, 4*9)
	for i := range data {
		data[i] = byte(i*73 + 5)
	}
	for n := range 10 {
		checkEach(t, data[:4*n])
	}
}

func FuzzCRC32CEach(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(checkEach)
}
