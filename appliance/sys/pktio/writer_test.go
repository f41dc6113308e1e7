// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func writer(t testing.TB, path string) *Writer {
	t.Helper()
	w, err := OpenWriter(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWriterWritesWhatOthersRead(t *testing.T) {
	c := pool(t, 512)
	path := filepath.Join(t.TempDir(), "out.pcap")
	w := writer(t, path)
	if got := frames(t, path); len(got) != 0 {
		t.Fatal("a new file has packets")
	}
	want := samples()
	want[len(want)-1] = pattern(snapLength, 1) // see the test of longer ones
	for _, part := range [][][]byte{want[:1], want[1:6], want[6:]} {
		b := batch(t, c, part...)
		if n := w.Send(c, b.Packets()); n != len(part) {
			t.Fatalf("%d packets written of %d", n, len(part))
		}
	}
	same(t, frames(t, path), want) // while the writer has it open
	if n := w.Note(); n != path+": 11 packets written" {
		t.Error(n)
	}
}

func TestWriterCutsAtTheSnapLength(t *testing.T) {
	c := pool(t, 128)
	path := filepath.Join(t.TempDir(), "out.pcap")
	w := writer(t, path)
	long := pattern(packet.MaxTotal, 3)
	w.Send(c, batch(t, c, long, []byte("next")).Packets())
	same(t, frames(t, path), [][]byte{long[:snapLength], []byte("next")})
}

func TestWriterOfFullBatches(t *testing.T) {
	c := pool(t, 4096)
	path := filepath.Join(t.TempDir(), "out.pcap")
	w := writer(t, path)
	var want [][]byte
	for i := range 3 * packet.BatchSize {
		want = append(want, pattern(9000+i, byte(i)))
	}
	for i := 0; i < len(want); i += packet.BatchSize {
		if n := w.Send(c, batch(t, c, want[i:i+packet.BatchSize]...).Packets()); n != packet.BatchSize {
			t.Fatal(n)
		}
	}
	same(t, frames(t, path), want)
}

func TestWriterCompletesPartialChecksums(t *testing.T) {
	c := pool(t, 64)
	path := filepath.Join(t.TempDir(), "out.pcap")
	w := writer(t, path)
	b := batch(t, c, []byte{0, 1, 0, 0})
	b.At(0).SetFlags(packet.FlagPartialChecksum)
	b.At(0).SetChecksumPlace(0, 2)
	w.Send(c, b.Packets())
	same(t, frames(t, path), [][]byte{{0, 1, 0xff, 0xfe}})
}

func TestWriterErrors(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]int{
		dir + "/no/where.pcap": errno.ENOENT,
		dir:                    errno.EINVAL,
		fifo:                   errno.EINVAL,
		"/dev/full":            errno.ENOSPC,
		"/dev/null":            0,
	} {
		w, err := OpenWriter(path, WriterOptions{})
		if err == nil {
			err = w.Start()
			w.Close()
		}
		if errno.Code(err) != code || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: errno %d: %v", path, errno.Code(err), err)
		}
	}
}

func TestWriterChangesNothingBeforeStart(t *testing.T) {
	old := save(t, []byte("old"))
	fresh := filepath.Join(t.TempDir(), "new.pcap")
	for _, path := range []string{old, fresh} {
		w, err := OpenWriter(path, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
	if b, err := os.ReadFile(old); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(fresh); !os.IsNotExist(err) {
		t.Error("an unused file stayed:", err)
	}
}

func TestWriterOfAFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.pcap")
	c := pool(t, 64)
	w := writer(t, path)
	w.Send(c, batch(t, c, []byte("kept")).Packets())
	if _, err := OpenWriter(path, WriterOptions{}); errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), "in use by another port") {
		t.Fatal(err)
	}
	if _, err := OpenReader(path, ReaderOptions{}); errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), "being written") {
		t.Fatal(err)
	}
	same(t, frames(t, path), [][]byte{[]byte("kept")})
	w.Close()
	r, err := OpenReader(path, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]bool{path: true, link: true, path + ".other": false} {
		w, err := OpenWriter(name, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if w.Reads(r) != same {
			t.Errorf("%s: the same file: %v", name, !same)
		}
		w.Close()
	}
}

// A full disk costs the packets that do not fit, and nothing else.
func TestWriterOnAFullDisk(t *testing.T) {
	testenv.NeedRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		testenv.Skip(t, testenv.NoKernel, "tmpfs: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	c := pool(t, 256)
	path := filepath.Join(dir, "out.pcap")
	w := writer(t, path)
	var want [][]byte
	lost := 0
	for i := range 10 {
		frame := pattern(10000, byte(i))
		b := batch(t, c, frame)
		n := w.Send(c, b.Packets())
		if n == 1 {
			want = append(want, frame)
		}
		lost += 1 - n
		c.FreeAll(b.Packets()[n:])
	}
	if len(want) != 6 || lost != 4 {
		t.Fatalf("%d packets of 10 kB fit on 64 kB, %d were lost", len(want), lost)
	}
	same(t, frames(t, path), want)
	if n := w.Note(); !strings.HasSuffix(n, "6 packets written, 4 lost: no space left on device") {
		t.Error(n)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	w.Send(c, batch(t, c, []byte("more")).Packets())
	same(t, frames(t, path), append(want, []byte("more")))
}

func TestFilesDoNotAllocate(t *testing.T) {
	c := pool(t, 256)
	r, err := OpenReader(realCapture, ReaderOptions{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := writer(t, filepath.Join(t.TempDir(), "out.pcap"))
	var b packet.Batch
	if n := testing.AllocsPerRun(200, func() {
		b.Clear()
		r.Recv(c, &b, packet.BatchSize)
		w.Send(c, b.Packets())
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, k := range []struct{ size, batch int }{{60, 64}, {60, 8}, {60, 1}, {1514, 64}} {
		b.Run(fmt.Sprintf("%dx%d", k.batch, k.size), func(b *testing.B) {
			c := pool(b, 256)
			w := writer(b, filepath.Join(b.TempDir(), "out.pcap"))
			var batch packet.Batch
			for b.Loop() {
				if w.out.Load().at > 1<<28 {
					_ = w.out.Load().f.Truncate(0)
					w.out.Load().at = pcapHeaderSize
				}
				c.AllocBatch(&batch, k.batch, k.size)
				w.Send(c, batch.Packets())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*k.batch), "ns/packet")
		})
	}
}
