// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// samples are frames of all sorts of lengths.
func samples() [][]byte {
	var all [][]byte
	for i, n := range []int{60, 1, 14, 61, 62, 63, 1514, 2048, 2049, 9000, packet.MaxTotal} {
		all = append(all, pattern(n, byte(i)))
	}
	return all
}

func classic(t testing.TB, frames [][]byte, nano bool) []byte {
	t.Helper()
	var f bytes.Buffer
	w := pcapgo.NewWriter(&f)
	if nano {
		w = pcapgo.NewWriterNanos(&f)
	}
	if err := w.WriteFileHeader(packet.MaxTotal, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, d := range frames {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1, 2), CaptureLength: len(d), Length: len(d)}
		if err := w.WritePacket(ci, d); err != nil {
			t.Fatal(err)
		}
	}
	return f.Bytes()
}

func pcapng(t testing.TB, frames [][]byte) []byte {
	t.Helper()
	var f bytes.Buffer
	w, err := pcapgo.NewNgWriter(&f, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapgo.NgInterface{Name: "loop", LinkType: layers.LinkTypeNull}); err != nil {
		t.Fatal(err)
	}
	for i, d := range frames {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1, 2), CaptureLength: len(d), Length: len(d)}
		if err := w.WritePacket(ci, d); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if err := w.WriteInterfaceStats(0, pcapgo.NgInterfaceStatistics{PacketsReceived: 3}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

// swapped turns a classic little-endian file into a big-endian one.
func swapped(data []byte) []byte {
	out := bytes.Clone(data)
	swap := func(at int, widths ...int) {
		for _, w := range widths {
			for i := range w {
				out[at+i] = data[at+w-1-i]
			}
			at += w
		}
	}
	swap(0, 4, 2, 2, 4, 4, 4, 4)
	for at := pcapHeaderSize; at < len(data); {
		swap(at, 4, 4, 4, 4)
		n := int(data[at+8]) | int(data[at+9])<<8 | int(data[at+10])<<16
		at += pcapRecordSize + n
	}
	return out
}

// bigEndianNg writes a big-endian pcapng file with packet blocks of all three
// kinds.
func bigEndianNg(frames [][]byte) []byte {
	var f ngFile
	f.block(blockSection, f.u32(orderMagic), f.u16(1), f.u16(0), f.u32(0xffffffff), f.u32(0xffffffff))
	f.block(blockInterface, f.u16(1), f.u16(0), f.u32(0))
	f.block(0x0bad, []byte("what nobody knows is skipped"))
	for i, d := range frames {
		n := uint32(len(d))
		switch i % 3 {
		case 0:
			f.block(blockEnhanced, f.u32(0), f.u32(1), f.u32(2), f.u32(n), f.u32(n), d, f.pad(d), []byte("optional"))
		case 1:
			f.block(blockSimple, f.u32(n), d, f.pad(d))
		case 2:
			f.block(blockPacket, f.u16(0), f.u16(7), f.u32(1), f.u32(2), f.u32(n), f.u32(n), d, f.pad(d))
		}
	}
	return f.Bytes()
}

// ngFile builds big-endian pcapng files.
type ngFile struct{ bytes.Buffer }

func (f *ngFile) u32(v uint32) []byte {
	return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
}
func (f *ngFile) u16(v uint16) []byte { return []byte{byte(v >> 8), byte(v)} }
func (f *ngFile) pad(d []byte) []byte { return make([]byte, -len(d)&3) }

func (f *ngFile) block(kind uint32, parts ...[]byte) {
	body := bytes.Join(parts, nil)
	total := f.u32(uint32(len(body) + blockFrame))
	f.Write(bytes.Join([][]byte{f.u32(kind), total, body, total}, nil))
}
