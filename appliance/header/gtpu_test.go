// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// A tunnelled frame without and with the container of a PDU session (spec:
// modules/mobile.md, G1 and G2).
const (
	frameG1 = "06163e1b7232021e679f4dae0800450000440513000040110000c0a80a01c0a80a02086808680030000030ff0020112233444500002000010000401160800a3c00010808080813880035000c0d0661626364"
	frameG2 = "06163e1b7232021e679f4dae08004500004c0513000040110000c0a80a01c0a80a02086808680038000034ff00281122334400000085011009004500002000010000401160800a3c00010808080813880035000c0d0661626364"
)

func TestGTPUFrames(t *testing.T) {
	for frame, headerLen := range map[string]int{frameG1: 8, frameG2: 16} {
		b := append(unhex(t, frame), 0, 0, 0) // padding
		f, ok := ParseGTPUFrame(b, len(b))
		if !ok || f.At != 42 || f.End != len(b)-3 || f.UDP.DstPort() != GTPUPort || f.IP.Dst() != 0xc0a80a02 {
			t.Fatalf("%s: %v, message at %d..%d", frame, ok, f.At, f.End)
		}
		g := f.GTP
		if g.Type() != GTPUDataPacket || g.TEID() != 0x11223344 || g.HeaderLen() != headerLen || g.Truncated() ||
			g.Length() != len(g)-GTPULen || g.Flags() != map[int]uint8{8: 0, 16: GTPUHasExtension}[headerLen] {
			t.Errorf("%s: header of %d bytes, length %d", frame, g.HeaderLen(), g.Length())
		}
		if ip, ok := ParseIPv4(g.Payload(), 0); !ok || ip.Src() != 0x0a3c0001 || ip.Truncated() {
			t.Errorf("%s: inner packet %v", frame, ok)
		}
		if _, ok := g.Sequence(); ok {
			t.Errorf("%s has no sequence number", frame)
		}
	}
}

func TestGTPUOfSeveralSegments(t *testing.T) {
	b := unhex(t, frameG1)
	if _, ok := ParseGTPUFrame(b[:60], len(b)); !ok {
		t.Error("the payload may be elsewhere")
	}
	if _, ok := ParseGTPUFrame(b[:60], 60); ok {
		t.Error("a truncated message was accepted")
	}
}

// A header goes on only as long as its message and the bytes do.
func TestGTPUMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                           "",
		"short":                           "30ff0000112233",
		"version 0":                       "10ff000011223344",
		"version 2":                       "48ff000011223344",
		"GTP'":                            "20ff000011223344",
		"no room for optional fields":     "32ff000211223344" + "0001",
		"optional fields beyond length":   "32ff000011223344" + "00010000",
		"no extension":                    "34ff000411223344" + "00000085",
		"extension of length 0":           "34ff000811223344" + "00000085" + "00100900",
		"extension beyond the bytes":      "34ff000811223344" + "00000085" + "02100900",
		"extension beyond the message":    "34ff000811223344" + "00000085" + "0210090000000000",
		"second extension of length 0":    "34ff000c11223344" + "00000085" + "01100985" + "00000000",
		"second extension not there":      "34ff000811223344" + "00000085" + "01100985",
		"nine extensions":                 "34ff002811223344" + "000000c0" + strings.Repeat("010000c0", 8) + "01000000",
		"eight extensions, then no other": "34ff002411223344" + "000000c0" + strings.Repeat("010000c0", 8),
	} {
		if g, ok := ParseGTPU(unhex(t, text), 0); ok {
			t.Errorf("%s: accepted with a header of %d bytes", name, g.HeaderLen())
		}
	}
	for name, c := range map[string]struct {
		text string
		n    int
	}{
		"sequence number":                    {"320100041122334400070000", 12},
		"type of extension without the flag": {"3201000411223344" + "00070085", 12},
		"flag without extension":             {"34ff000411223344" + "00000000", 12},
		"two extensions":                     {"34ff001011223344" + "000000c0" + "02000000000000" + "85" + "01100900", 24},
		"eight extensions":                   {"34ff002411223344" + "000000c0" + strings.Repeat("010000c0", 7) + "01000000", 44},
		"payload elsewhere":                  {"30ff05dc11223344", 8},
	} {
		if g, ok := ParseGTPU(unhex(t, c.text), 0); !ok || g.HeaderLen() != c.n {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestGTPUSequence(t *testing.T) {
	g, _ := ParseGTPU(unhex(t, "320100041122334400070000"), 0)
	if seq, ok := g.Sequence(); !ok || seq != 7 {
		t.Errorf("sequence number %d %v", seq, ok)
	}
	g.SetSequence(0x1234)
	g.SetType(GTPUEchoResponse)
	g.SetLength(6)
	if seq, _ := g.Sequence(); seq != 0x1234 || g.Type() != 2 || g.Length() != 6 || !g.Truncated() {
		t.Errorf("% x", []byte(g))
	}
}

func TestGTPUEncodeAgreesWithGopacket(t *testing.T) {
	b := make([]byte, GTPULen+GTPUPDUSessionLen+4)
	GTPU(b).Encode(&GTPUFields{Flags: GTPUHasExtension, Type: GTPUDataPacket, Length: 12, TEID: 0x11223344})
	EncodePDUSession(b[GTPULen:], 1, 9)
	if got := hex.EncodeToString(b[:16]); got != "34ff000c112233440000008501100900" {
		t.Fatal(got)
	}
	p := gopacket.NewPacket(b, layers.LayerTypeGTPv1U, gopacket.Default)
	g, ok := p.Layer(layers.LayerTypeGTPv1U).(*layers.GTPv1U)
	if !ok || g.TEID != 0x11223344 || g.MessageType != 255 || len(g.GTPExtensionHeaders) != 1 ||
		g.GTPExtensionHeaders[0].Type != GTPUPDUSession || hex.EncodeToString(g.GTPExtensionHeaders[0].Content) != "1009" {
		t.Errorf("gopacket reads %+v %v", g, p.ErrorLayer())
	}
}

func FuzzGTPU(f *testing.F) {
	f.Add(unhex(f, frameG1), 42, 0)
	f.Add(unhex(f, frameG2), 42, 9000)
	f.Fuzz(func(t *testing.T, b []byte, off, more int) {
		if g, ok := ParseGTPU(b, off); ok {
			n := g.HeaderLen()
			if n < GTPULen || n > len(g) || n%4 != 0 || len(g) > GTPULen+g.Length() || len(g.Payload()) != len(g)-n {
				t.Fatalf("header of %d in %d bytes, length %d", n, len(g), g.Length())
			}
			if _, ok := g.Sequence(); ok != (g.Flags()&GTPUHasSequence != 0) {
				t.Fatal("sequence number")
			}
		}
		total := len(b) + max(0, more%9000)
		if p, ok := ParseGTPUFrame(b, total); ok {
			if p.At+len(p.GTP) > len(b) || p.End > total || p.End < p.At+p.GTP.HeaderLen() {
				t.Fatalf("message at %d..%d of %d bytes", p.At, p.End, total)
			}
		}
	})
}
