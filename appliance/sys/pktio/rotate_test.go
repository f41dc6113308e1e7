// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func openWriter(t testing.TB, path string, o WriterOptions) *Writer {
	t.Helper()
	w, err := OpenWriter(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		w.Close()
		t.Fatal(err)
	}
	return w
}

// list returns the names of all files in a directory.
func list(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// ready waits until the next file can be turned to.
func (w *Writer) ready(t testing.TB) {
	t.Helper()
	testenv.Eventually(t, "the next file is ready", func() bool { return w.rot.next.Load() != nil && w.rot.now.Load() == nil })
}

func TestRotation(t *testing.T) {
	for name, r := range map[string]Rotate{
		"packets": {Packets: 3},
		"bytes":   {Bytes: pcapHeaderSize + 3*(pcapRecordSize+100)},
		"both":    {Bytes: 1 << 20, Packets: 3},
	} {
		testenv.NoLeaks(t)
		c := pool(t, 256)
		dir := t.TempDir()
		w := openWriter(t, filepath.Join(dir, "x.pcap"), WriterOptions{Rotate: r})
		var sent [][]byte
		for i := range 8 {
			f := frame(100, byte(i))
			sent = append(sent, f)
			if n := w.Send(c, batch(t, c, f).Packets()); n != 1 {
				t.Fatal("not written")
			}
			w.ready(t)
		}
		if n := w.Note(); !strings.Contains(n, "8 packets written, 2 files complete, now ") || !strings.HasSuffix(n, "x-000003.pcap") {
			t.Error(n)
		}
		w.Close()
		if got := list(t, dir); got != "x-000001.pcap x-000002.pcap x-000003.pcap" {
			t.Fatalf("%s: %s", name, got)
		}
		same(t, frames(t, dir+"/x-000001.pcap"), sent[:3])
		same(t, frames(t, dir+"/x-000002.pcap"), sent[3:6])
		same(t, frames(t, dir+"/x-000003.pcap"), sent[6:])
	}
}

// A batch is spread over files, and files of earlier runs stay.
func TestRotationWithinABatch(t *testing.T) {
	c := pool(t, 256)
	dir := t.TempDir()
	for range 2 {
		w := openWriter(t, filepath.Join(dir, "x"), WriterOptions{Ng: true, Rotate: Rotate{Packets: 5}})
		w.Send(c, batch(t, c, frame(60, 1), frame(60, 2), frame(60, 3), frame(60, 4), frame(60, 5), frame(60, 6), frame(60, 7)).Packets())
		w.ready(t)
		w.Close()
	}
	if got := list(t, dir); got != "x-000001 x-000002 x-000003 x-000004" {
		t.Fatal(got)
	}
	same(t, framesNg(t, dir+"/x-000003"), [][]byte{frame(60, 1), frame(60, 2), frame(60, 3), frame(60, 4), frame(60, 5)})
	same(t, framesNg(t, dir+"/x-000004"), [][]byte{frame(60, 6), frame(60, 7)})
}

func TestRotationByTime(t *testing.T) {
	c := pool(t, 256)
	dir := t.TempDir()
	w := openWriter(t, filepath.Join(dir, "x.pcap"), WriterOptions{Rotate: Rotate{Period: time.Hour}})
	send := func(seed byte) { w.Send(c, batch(t, c, frame(60, seed)).Packets()) }
	send(1)
	send(2)
	w.out.Load().since = time.Now().Add(-time.Hour)
	send(3)
	w.Close()
	same(t, frames(t, dir+"/x-000001.pcap"), [][]byte{frame(60, 1), frame(60, 2)})
	same(t, frames(t, dir+"/x-000002.pcap"), [][]byte{frame(60, 3)})
}

func TestOldFilesAreRemoved(t *testing.T) {
	c := pool(t, 256)
	dir := t.TempDir()
	for _, name := range []string{"x-000007.pcap", "x-000008.pcap", "x-12.pcap", "y-000001.pcap", "x-0000zz.pcap"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := openWriter(t, filepath.Join(dir, "x.pcap"), WriterOptions{Rotate: Rotate{Packets: 1, Keep: 3}})
	for i := range 5 {
		w.Send(c, batch(t, c, frame(60, byte(i))).Packets())
		w.ready(t)
	}
	w.Close()
	if got := list(t, dir); got != "x-000011.pcap x-000012.pcap x-000013.pcap x-0000zz.pcap x-12.pcap y-000001.pcap" {
		t.Fatal(got)
	}
}

func TestRotationOfFilesInUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.pcap")
	o := WriterOptions{Rotate: Rotate{Packets: 1}}
	w := openWriter(t, path, o)
	defer w.Close()
	if _, err := OpenWriter(path, o); errno.Code(err) != errno.EBUSY {
		t.Error(err)
	}
	if _, err := OpenWriter(dir+"/no/x.pcap", o); errno.Code(err) != errno.ENOENT {
		t.Error(err)
	}
	v, err := OpenWriter(dir+"/y.pcap", o)
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	if got := list(t, dir); got != ".x.pcap.next x-000001.pcap" {
		t.Error(got)
	}
}

// A Writer that was killed left packets in a file without a name.
func TestRotationFindsWhatWasLeft(t *testing.T) {
	c := pool(t, 256)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.pcap")
	plain := openWriter(t, filepath.Join(dir, ".x.pcap.next"), WriterOptions{})
	plain.Send(c, batch(t, c, frame(60, 1)).Packets())
	plain.Close()
	o := WriterOptions{Rotate: Rotate{Packets: 1}}
	openWriter(t, path, o).Close()
	same(t, frames(t, dir+"/x-000001.pcap"), [][]byte{frame(60, 1)})
	same(t, frames(t, dir+"/x-000002.pcap"), nil)
	if got := list(t, dir); got != "x-000001.pcap x-000002.pcap" {
		t.Error(got)
	}
}

// While no new file can be made the present one goes on.
func TestRotationWithoutANewFile(t *testing.T) {
	c := pool(t, 256)
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, filepath.Join(dir, "x.pcap"), WriterOptions{Rotate: Rotate{Packets: 1}})
	w.ready(t)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		w.Send(c, batch(t, c, frame(60, byte(i))).Packets())
	}
	testenv.Eventually(t, "it is told", func() bool { return strings.Contains(w.Note(), "no new file: ") })
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "it goes on", func() bool {
		w.Send(c, batch(t, c, frame(60, 9)).Packets())
		return w.rot.done.Load() >= 2
	})
	if w.failed.Load() != 0 || strings.Contains(w.Note(), "lost") {
		t.Error(w.Note())
	}
	w.Close()
}

// framesNg returns what another program finds in a pcapng file.
func framesNg(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			return all
		}
		if d := time.Since(ci.Timestamp); d < 0 || d > time.Minute {
			t.Fatalf("stamp %s", ci.Timestamp)
		}
		all = append(all, data)
	}
}

func TestWriterOfPcapng(t *testing.T) {
	c := pool(t, 256)
	path := filepath.Join(t.TempDir(), "x.pcapng")
	w := openWriter(t, path, WriterOptions{Ng: true, Snap: 100})
	want := [][]byte{frame(60, 1), frame(61, 2), frame(62, 3), frame(63, 4), frame(3000, 5), frame(14, 6)}
	w.Send(c, batch(t, c, want...).Packets())
	w.Close()
	want[4] = want[4][:100]
	same(t, framesNg(t, path), want)
	r, err := OpenReader(path, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	same(t, drain(c, r), want)
}

func TestWriterWithSnapLength(t *testing.T) {
	c := pool(t, 256)
	path := filepath.Join(t.TempDir(), "x.pcap")
	w := openWriter(t, path, WriterOptions{Snap: 64})
	w.Send(c, batch(t, c, frame(60, 1), frame(3000, 2)).Packets())
	w.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil || r.Snaplen() != 64 {
		t.Fatal(err, r.Snaplen())
	}
	for _, want := range [][2]int{{60, 60}, {64, 3000}} {
		_, ci, err := r.ReadPacketData()
		if err != nil || ci.CaptureLength != want[0] || ci.Length != want[1] {
			t.Fatal(ci, err)
		}
	}
}

func TestRotationDoesNotAllocate(t *testing.T) {
	c := pool(t, 256)
	w := openWriter(t, filepath.Join(t.TempDir(), "x.pcap"), WriterOptions{Ng: true, Rotate: Rotate{Packets: 1 << 40, Period: time.Hour}})
	defer w.Close()
	var b packet.Batch
	if n := testing.AllocsPerRun(200, func() {
		b.Clear()
		c.AllocBatch(&b, 64, 100)
		w.Send(c, b.Packets())
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
