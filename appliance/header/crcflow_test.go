// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/binary"
	"testing"
)

func checkFlows(t *testing.T, data []byte) {
	t.Helper()
	var flows, portable []Flow4
	for ; len(data) >= 16; data = data[16:] {
		flows = append(flows, Flow4{le.Uint64(data), le.Uint32(data[8:]), le.Uint32(data[12:])})
	}
	portable = append(portable, flows...)
	before := append([]Flow4(nil), flows...)
	HashFlows4(flows)
	hashFlows4Portable(portable)
	for i, f := range before {
		bytes := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, f.Ports), f.Addrs)
		f.Hash = CRC32C(f.Hash, bytes)
		if flows[i] != f || portable[i] != f {
			t.Errorf("flow %d of %d: %+v, portable %+v, want %+v", i, len(before), flows[i], portable[i], f)
		}
	}
}

func TestHashFlows4(t *testing.T) {
	data := make([]byte, 16*5)
	for i := range data {
		data[i] = byte(i*37 + 11)
	}
	for n := range 6 {
		checkFlows(t, data[:16*n])
	}
}

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

func FuzzHashFlows4(f *testing.F) {
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(checkFlows)
}

func BenchmarkHashFlows4(b *testing.B) {
	var flows [64]Flow4
	for name, hash := range map[string]func([]Flow4){"chosen": HashFlows4, "portable": hashFlows4Portable} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				hash(flows[:])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(flows)), "ns/flow")
		})
	}
}
