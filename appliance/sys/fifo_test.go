// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

func mkfifo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openReader opens the reading end without waiting for a writer.
func openReader(t testing.TB, path string) *os.File {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), path)
}

func openFIFO(t testing.TB, c FIFOConfig) *FIFO {
	t.Helper()
	f, err := OpenFIFO(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// eventually waits for something that a goroutine does.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	testenv.Eventually(t, what+" happens", f)
}

// detached reports whether the pipe has been closed. That the descriptor is
// another one does not tell: the kernel ends the pipe a moment later, and who
// comes in between finds what the last reader left.
func (f *FIFO) detached() bool { return !f.attached.Load() }

func readFull(t testing.TB, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenFIFORefuses(t *testing.T) {
	dir := t.TempDir()
	regular := filepath.Join(dir, "file")
	if err := os.WriteFile(regular, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		wait bool
		want error
	}{
		"nobody reads":            {path: mkfifo(t), want: unix.ENXIO},
		"missing":                 {path: filepath.Join(dir, "missing"), want: unix.ENOENT},
		"missing, deferred":       {path: filepath.Join(dir, "missing"), wait: true, want: unix.ENOENT},
		"a regular file":          {path: regular, want: unix.EINVAL},
		"a regular file, waiting": {path: regular, wait: true, want: unix.EINVAL},
		"a device":                {path: "/dev/null", want: unix.EINVAL},
		"a directory":             {path: dir, want: unix.EINVAL},
	} {
		f, err := OpenFIFO(FIFOConfig{Path: c.path, Wait: c.wait})
		if err == nil {
			f.Close()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if b, _ := os.ReadFile(regular); string(b) != "keep me" {
		t.Errorf("the regular file now contains %q", b)
	}
}

func TestFIFOWritesHeaderFirst(t *testing.T) {
	path := mkfifo(t)
	r := openReader(t, path)
	defer r.Close()
	f := openFIFO(t, FIFOConfig{Path: path, Header: []byte("head")})
	if !f.Connected() || !f.Write([]byte("body")) {
		t.Fatal("cannot write although somebody reads")
	}
	if got := readFull(t, r, 8); string(got) != "headbody" {
		t.Fatalf("read %q", got)
	}
}

func TestFIFODeferredOpensWhenAReaderComes(t *testing.T) {
	path := mkfifo(t)
	f := openFIFO(t, FIFOConfig{Path: path, Header: []byte("h"), Wait: true})
	if f.Connected() || f.Write([]byte("x")) {
		t.Fatal("connected although nobody reads")
	}
	r := openReader(t, path)
	defer r.Close()
	eventually(t, "opening", f.Connected)
	f.Write([]byte("x"))
	if got := readFull(t, r, 2); string(got) != "hx" {
		t.Fatalf("read %q", got)
	}
}

func TestFIFOEndsWhenTheReaderGoes(t *testing.T) {
	path := mkfifo(t)
	r := openReader(t, path)
	f := openFIFO(t, FIFOConfig{Path: path})
	r.Close()
	if f.Write([]byte("x")) {
		t.Fatal("written although nobody reads")
	}
	if f.Connected() {
		t.Fatal("still connected after EPIPE")
	}
	<-f.ended
	// The pipe has been closed: a new reader is at its end at once.
	r = openReader(t, path)
	defer r.Close()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("read %d bytes, %v; want the end of the file", n, err)
	}
	if f.Write([]byte("x")) {
		t.Fatal("written after the end of the capture")
	}
}

func TestFIFOReconnectsWithANewHeader(t *testing.T) {
	path := mkfifo(t)
	f := openFIFO(t, FIFOConfig{Path: path, Header: []byte("head"), Wait: true, Reconnect: true})
	for round := range 5 {
		r := openReader(t, path)
		eventually(t, "opening", f.Connected)
		if !f.Write([]byte("body")) || !f.Write([]byte("unread")) {
			t.Fatalf("round %d: cannot write", round)
		}
		if got := readFull(t, r, 8); string(got) != "headbody" {
			t.Fatalf("round %d: read %q", round, got)
		}
		r.Close()
		eventually(t, "noticing the end", f.detached)
	}
}

// A reader that leaves while nothing is written must not leave bytes for the
// next one, who expects a header.
func TestFIFOLeavesNothingForTheNextReader(t *testing.T) {
	path := mkfifo(t)
	f := openFIFO(t, FIFOConfig{Path: path, Header: []byte("head"), Wait: true, Reconnect: true})
	r := openReader(t, path)
	eventually(t, "opening", f.Connected)
	f.Write([]byte("half read"))
	readFull(t, r, 6)
	r.Close()
	eventually(t, "noticing the end", f.detached)
	r = openReader(t, path)
	defer r.Close()
	eventually(t, "opening again", f.Connected)
	if got := readFull(t, r, 4); string(got) != "head" {
		t.Fatalf("the next reader began with %q", got)
	}
}

func TestFIFOFullPipeDropsWholeChunks(t *testing.T) {
	path := mkfifo(t)
	r := openReader(t, path)
	defer r.Close()
	f := openFIFO(t, FIFOConfig{Path: path})
	chunk := bytes.Repeat([]byte{7}, FIFOChunk-1)
	written := 0
	for f.Write(chunk) {
		written++
	}
	if written == 0 || !f.Connected() {
		t.Fatalf("%d chunks written, connected %v", written, f.Connected())
	}
	if got := Unread(int(r.Fd())); got != written*len(chunk) {
		t.Fatalf("%d bytes in the pipe, want %d", got, written*len(chunk))
	}
	if f.Write(make([]byte, FIFOChunk+1)) || f.Write(nil) {
		t.Fatal("a chunk of impossible size was written")
	}
}

func TestFIFOWriteDoesNotAllocate(t *testing.T) {
	path := mkfifo(t)
	r := openReader(t, path)
	defer r.Close()
	f := openFIFO(t, FIFOConfig{Path: path})
	chunk, sink := make([]byte, 512), make([]byte, 512)
	if n := testing.AllocsPerRun(200, func() {
		f.Write(chunk)
		_, _ = r.Read(sink)
	}); n != 0 {
		t.Fatalf("%v allocations per write", n)
	}
}

// Readers come and go while several threads write: every reader sees a header
// and then whole chunks. (A reader that comes before the FIFO has noticed that
// the last one left gets the same pipe, as nobody can tell the two apart;
// between is there to avoid that.)
func TestFIFOManyWritersManyReaders(t *testing.T) {
	path := mkfifo(t)
	f := openFIFO(t, FIFOConfig{Path: path, Header: []byte("HEAD"), Wait: true, Reconnect: true})
	var stop atomic.Bool
	var between sync.RWMutex
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	for w := range 3 {
		wg.Go(func() {
			for chunk := bytes.Repeat([]byte{byte('a' + w)}, 100*(w+1)); !stop.Load(); {
				between.RLock()
				f.Write(chunk)
				between.RUnlock()
			}
		})
	}
	for range 8 {
		r := openReader(t, path)
		eventually(t, "data", func() bool { return Unread(int(r.Fd())) > 1000 })
		if got := readFull(t, r, 4); string(got) != "HEAD" {
			t.Fatalf("a reader began with %q", got)
		}
		for range 500 {
			first := readFull(t, r, 1)[0]
			rest := readFull(t, r, 100*int(first-'a'+1)-1)
			if bytes.Count(rest, []byte{first}) != len(rest) {
				t.Fatalf("a chunk of %q is torn: %q", first, rest)
			}
		}
		r.Close()
		between.Lock()
		eventually(t, "noticing the end", f.detached)
		between.Unlock()
	}
}

func TestSpinLockExcludes(t *testing.T) {
	var l SpinLock
	var wg sync.WaitGroup
	n := 0
	for range 4 {
		wg.Go(func() {
			for range 20000 {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	wg.Wait()
	if n != 80000 {
		t.Fatalf("counted %d, want 80000", n)
	}
}

func BenchmarkSpinLockFree(b *testing.B) {
	var l SpinLock
	for b.Loop() {
		l.Lock()
		l.Unlock()
	}
}
