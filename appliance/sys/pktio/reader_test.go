// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

const realCapture = "../../../examples/acl/traffic.pcap"

// save writes a file into the test's directory and returns its path.
func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.pcap")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// frames returns what another program finds in a classic capture file.
func frames(t testing.TB, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.LinkType() != layers.LinkTypeEthernet {
		t.Fatal(r.LinkType())
	}
	var all [][]byte
	for {
		data, _, err := r.ReadPacketData()
		if err == io.EOF { //nolint:errorlint // as the library documents it
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
}

// drain receives everything and returns the contents.
func drain(c *packet.Cache, r *Reader) [][]byte {
	var all [][]byte
	var b packet.Batch
	for !r.Ended() {
		b.Clear()
		r.Recv(c, &b, packet.BatchSize)
		for _, p := range b.Packets() {
			all = append(all, content(p))
		}
		c.FreeBatch(&b)
	}
	return all
}

func same(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d: %d bytes %.30x…, want %d bytes %.30x…", i, len(got[i]), got[i], len(want[i]), want[i])
		}
	}
}

func TestReaderOfRealTraffic(t *testing.T) {
	want := frames(t, realCapture)
	if len(want) != 1097 {
		t.Fatalf("the recording has %d packets", len(want))
	}
	c := pool(t, 256)
	r, err := OpenReader(realCapture, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := r.Note(); n != realCapture+": 0 of 1097 packets" {
		t.Error(n)
	}
	same(t, drain(c, r), want)
	if n := r.Note(); n != realCapture+": end of file after 1097 packets" {
		t.Error(n)
	}
	var b packet.Batch
	if r.Recv(c, &b, 64) != 0 {
		t.Error("packets after the end")
	}
}

func TestReaderOfEveryFormat(t *testing.T) {
	want := samples()
	for name, data := range map[string][]byte{
		"microseconds":             classic(t, want, false),
		"nanoseconds":              classic(t, want, true),
		"microseconds, big endian": swapped(classic(t, want, false)),
		"nanoseconds, big endian":  swapped(classic(t, want, true)),
		"pcapng":                   pcapng(t, want),
		"pcapng, two sections":     append(pcapng(t, want[:5]), pcapng(t, want[5:])...),
		"pcapng, big endian":       bigEndianNg(want),
	} {
		t.Run(name, func(t *testing.T) {
			c := pool(t, 512)
			r, err := OpenReader(save(t, data), ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if r.Frames() != len(want) {
				t.Errorf("%d frames, want %d", r.Frames(), len(want))
			}
			same(t, drain(c, r), want)
		})
	}
}

func TestSimplePacketsAreCutToTheSnapLength(t *testing.T) {
	var f ngFile
	f.block(blockSection, f.u32(orderMagic), f.u16(1), f.u16(0), f.u32(0xffffffff), f.u32(0xffffffff))
	f.block(blockInterface, f.u16(1), f.u16(0), f.u32(6))
	f.block(blockSimple, f.u32(1514), []byte("sixxxx"), f.u16(0))
	c := pool(t, 64)
	r, err := OpenReader(save(t, f.Bytes()), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	same(t, drain(c, r), [][]byte{[]byte("sixxxx")})
}

func TestReaderErrors(t *testing.T) {
	good := classic(t, [][]byte{pattern(60, 0), pattern(70, 1)}, false)
	edit := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	var early ngFile
	early.block(blockSection, early.u32(0x11223344))
	head := func(f *ngFile) {
		f.block(blockSection, f.u32(orderMagic), f.u16(1), f.u16(0), f.u32(0xffffffff), f.u32(0xffffffff))
	}
	ng := func(build func(f *ngFile)) []byte {
		f := &ngFile{}
		head(f)
		build(f)
		return f.Bytes()
	}
	for _, k := range []struct {
		name string
		data []byte
		text string
	}{
		{"empty file", nil, "offset 0: the file ends within the file header"},
		{"three bytes", good[:3], "offset 0: the file ends within the file header"},
		{"cut file header", good[:20], "offset 0: the file ends within the file header"},
		{"cut packet header", good[:24+16+60+5], "offset 100: the file ends within the packet header"},
		{"cut packet", good[:len(good)-1], "offset 116: the file ends within the packet of 70 bytes"},
		{"other file", []byte("PK\x03\x04 something else"), "offset 0: not a capture file: begins with 504b0304"},
		{"version", edit(4, 7), "offset 4: version 7: must be 2"},
		{"link type", edit(20, 113), "offset 20: link type 113: must be 1, Ethernet"},
		{"huge packet", edit(32, 0xff, 0xff, 0xff, 0x7f), "offset 32: packet of 2147483647 bytes: must be at most 65553"},
		{"ng: magic", early.Bytes(), "offset 8: byte order 11223344"},
		{"ng: section cut", ng(func(*ngFile) {})[:20], "the file ends within the block"},
		{"ng: no interface", ng(func(f *ngFile) { f.block(blockSimple, f.u32(4), f.u32(0)) }),
			"offset 28: packet of interface 0: the section has 0"},
		{"ng: link type", ng(func(f *ngFile) {
			f.block(blockInterface, f.u16(113), f.u16(0), f.u32(0))
			f.block(blockSimple, f.u32(4), f.u32(0))
		}), "offset 48: packet of link type 113"},
		{"ng: packet beyond its block", ng(func(f *ngFile) {
			f.block(blockInterface, f.u16(1), f.u16(0), f.u32(0))
			f.block(blockSimple, f.u32(5), f.u32(0))
		}), "offset 48: block of 20 bytes is too short for what it holds"},
		{"ng: block length", ng(func(f *ngFile) { f.Write(bytes.Join([][]byte{f.u32(9), f.u32(13)}, nil)) }),
			"offset 32: block of 13 bytes: must be a multiple of 4 from 12 on"},
		{"ng: short enhanced block", ng(func(f *ngFile) { f.block(blockEnhanced, f.u32(0)) }),
			"offset 28: block of 16 bytes is too short"},
		{"ng: lengths differ", ng(func(f *ngFile) {
			f.Write(bytes.Join([][]byte{f.u32(9), f.u32(12), f.u32(16)}, nil))
		}), "offset 36: block of 12 bytes says 16 at its end"},
	} {
		t.Run(k.name, func(t *testing.T) {
			testenv.NoLeaks(t)
			path := save(t, k.data)
			_, err := OpenReader(path, ReaderOptions{})
			if errno.Code(err) != errno.EINVAL || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), k.text) {
				t.Fatalf("errno %d: %v\nwant %q", errno.Code(err), err, k.text)
			}
		})
	}
}

// However much of a file is missing, the answer is an error or what is there.
func TestReaderOfTruncatedFiles(t *testing.T) {
	in := [][]byte{pattern(60, 0), pattern(61, 1), pattern(14, 2)}
	c := pool(t, 64)
	for name, data := range map[string][]byte{"classic": classic(t, in, false), "pcapng": pcapng(t, in)} {
		whole := 0
		for n := range len(data) + 1 {
			r, err := OpenReader(save(t, data[:n]), ReaderOptions{})
			if err != nil {
				if errno.Code(err) != errno.EINVAL || !strings.Contains(err.Error(), "offset ") {
					t.Fatalf("%s, %d bytes: %v", name, n, err)
				}
				continue
			}
			whole++
			got := drain(c, r)
			same(t, got, in[:len(got)])
			r.Close()
		}
		if whole < 4 || whole > 10 {
			t.Errorf("%s: %d prefixes count as whole files", name, whole)
		}
	}
}

func TestReaderOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReader(filepath.Join(dir, "none"), ReaderOptions{}); errno.Code(err) != errno.ENOENT {
		t.Error(err)
	}
	for _, path := range []string{dir, "/dev/zero"} {
		if _, err := OpenReader(path, ReaderOptions{}); errno.Code(err) != errno.EINVAL || !strings.Contains(err.Error(), "not a regular file") {
			t.Error(err)
		}
	}
}

func TestReaderWithoutPackets(t *testing.T) {
	c := pool(t, 64)
	for _, loop := range []bool{false, true} {
		r, err := OpenReader(save(t, classic(t, nil, false)), ReaderOptions{Loop: loop})
		if err != nil {
			t.Fatal(err)
		}
		var b packet.Batch
		if !r.Ended() || r.Recv(c, &b, 64) != 0 {
			t.Error("an empty file does not end")
		}
		r.Close()
	}
}

func TestReaderLeavesOutEmptyPackets(t *testing.T) {
	c := pool(t, 64)
	r, err := OpenReader(save(t, classic(t, [][]byte{nil, []byte("a"), nil, []byte("b")}, false)), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	same(t, drain(c, r), [][]byte{[]byte("a"), []byte("b")})
	if !strings.HasSuffix(r.Note(), "end of file after 2 packets (2 without bytes left out)") {
		t.Error(r.Note())
	}
}

func TestReaderStartsAgain(t *testing.T) {
	c := pool(t, 256)
	r, err := OpenReader(save(t, classic(t, [][]byte{[]byte("a"), []byte("b"), []byte("c")}, false)), ReaderOptions{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := ""
	for range 3 {
		var b packet.Batch
		if n := r.Recv(c, &b, 5); n != 5 {
			t.Fatalf("%d packets of an endless file", n)
		}
		for _, p := range b.Packets() {
			got += string(p.Bytes())
		}
		c.FreeBatch(&b)
	}
	if got != "abcabcabcabcabc" || r.Ended() || !strings.HasSuffix(r.Note(), "again and again: 15 so far") {
		t.Fatalf("%s: %s", got, r.Note())
	}
}

func TestReaderWaitsForBuffers(t *testing.T) {
	c := pool(t, 64)
	r, err := OpenReader(realCapture, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var held, b packet.Batch
	c.AllocBatch(&held, 62, 60)
	if n := r.Recv(c, &b, 64); n != 2 || r.Recv(c, &packet.Batch{}, 64) != 0 || r.Ended() {
		t.Fatalf("%d packets with two buffers", n)
	}
	c.FreeBatch(&held)
	c.FreeBatch(&b)
	same(t, drain(c, r), frames(t, realCapture)[2:])
}

func FuzzReader(f *testing.F) {
	small := [][]byte{pattern(60, 0), pattern(3, 1), nil}
	for _, data := range [][]byte{classic(f, small, false), swapped(classic(f, small, true)), pcapng(f, small), bigEndianNg(small)} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &Reader{path: "fuzz"}
		defer r.Close()
		if err := r.load(bytes.NewReader(data), max(len(data), 1)); err != nil {
			return
		}
		p, err := packet.NewPool(128)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		r.ended.Store(r.frames == 0)
		total := 0
		for _, d := range drain(p.NewCache(), r) {
			total += len(d)
		}
		if n := int(r.read.Load()); n != r.frames || total+n*frameHead != r.size {
			t.Fatalf("%d packets, %d bytes of %d, %d", n, total, r.frames, r.size)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{60, 1514} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var in [][]byte
			for i := range 1000 {
				in = append(in, pattern(size, byte(i)))
			}
			r, err := OpenReader(save(b, classic(b, in, false)), ReaderOptions{Loop: true})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			c := pool(b, 1024)
			var batch packet.Batch
			for b.Loop() {
				r.Recv(c, &batch, packet.BatchSize)
				c.FreeBatch(&batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/packet")
		})
	}
}
