// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "testing"

var sink uint64

func TestNothingAllocates(t *testing.T) {
	frame := unhex(t, frameT1)
	arp := unhex(t, frameA1)
	six := ip6(t, ProtoUDP, "0001000200080000")
	for name, f := range map[string]func(){
		"parse": func() {
			_, off, _ := SkipTags(frame)
			ip, _ := ParseIPv4(frame, off)
			h, _ := ParseTCP(ip, ip.HeaderLen())
			s, d, _ := ip.Ports()
			sink += uint64(h.Seq()) + uint64(s) + uint64(d) + uint64(ip.Src())
		},
		"checksums": func() {
			ip, _ := ParseIPv4(frame, EthernetLen)
			h, _ := ParseTCP(ip, ip.HeaderLen())
			sink += uint64(h.ComputeChecksum(ip.Src(), ip.Dst())) + uint64(ip.ComputeChecksum())
			sink += uint64(Update32(ip.Checksum(), ip.Src(), 1)) + uint64(CRC32C(0, frame)) + uint64(CRC32C(0, frame[:6]))
		},
		"encode": func() {
			Ethernet(frame).Encode(&EthernetFields{Type: TypeIPv4})
			IPv4(frame[14:]).Encode(&IPv4Fields{TotalLen: 50, TTL: 64, Protocol: ProtoTCP})
			TCP(frame[34:]).Encode(&TCPFields{SrcPort: 1})
		},
		"arp, ipv6, mac": func() {
			a, _ := ParseARP(arp, EthernetLen)
			p, off, _ := IPv6(six).Transport()
			sink += a.SenderMAC().Uint64() + uint64(p) + uint64(off)
			Ethernet(arp).SwapAddrs()
		},
		"text": func() {
			m, _ := ParseMAC("06:16:3e:1b:72:32")
			p, _ := ParseCIDR4("172.16.0.0/12")
			sink += m.Uint64() + uint64(p.Addr)
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkParsePorts(b *testing.B) {
	frame := unhex(b, frameU1)
	b.ReportAllocs()
	for b.Loop() {
		ip, ok := ParseIPv4(frame, EthernetLen)
		s, d, has := ip.Ports()
		if !ok || !has || s == d {
			b.Fatal("not the frame")
		}
	}
}

func BenchmarkSum(b *testing.B) {
	data := make([]byte, 1500)
	for _, n := range []int{20, 64, 1500} {
		b.Run(map[int]string{20: "20", 64: "64", 1500: "1500"}[n], func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				sink += uint64(Sum(data[:n], 0))
			}
		})
	}
}

func BenchmarkCRC32C(b *testing.B) {
	b.ReportAllocs()
	var crc uint32
	for b.Loop() {
		crc = CRC32CUint32(crc, 0xac106401)
	}
	sink += uint64(crc)
}
