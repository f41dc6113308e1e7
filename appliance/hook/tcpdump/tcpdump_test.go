// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tcpdump_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/hook/tcpdump"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func mkfifo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.Repeat("long", 40), "fifo")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openReader(t testing.TB, path string) *os.File {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), path)
}

func attach(t testing.TB, arg *api.TcpdumpArg) hook.Hook {
	t.Helper()
	h, err := tcpdump.Class.New(hook.Gate{Module: "m", Log: slog.New(slog.DiscardHandler)}, arg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// batch returns a context and a batch of the given frames.
func batch(t testing.TB, frames ...[]byte) (*module.Context, *packet.Batch) {
	t.Helper()
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx, b := module.NewContext(0, pool.NewCache(), 1e9), new(packet.Batch)
	for _, f := range frames {
		b.Add(ctx.Cache.New(f))
	}
	return ctx, b
}

func numbered(n, size int) [][]byte {
	var frames [][]byte
	for i := range n {
		frames = append(frames, bytes.Repeat([]byte{byte(i)}, size))
	}
	return frames
}

// expect reads the packets from r and compares them.
func expect(t *testing.T, r *pcapgo.Reader, frames ...[]byte) {
	t.Helper()
	for i, want := range frames {
		got, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !bytes.Equal(got, want) || ci.Length != len(want) || ci.CaptureLength != len(want) {
			t.Fatalf("packet %d: %d of %d bytes %x, want %x", i, ci.CaptureLength, ci.Length, got, want)
		}
		if age := time.Since(ci.Timestamp); age < -time.Second || age > time.Hour {
			t.Fatalf("packet %d is of %v", i, ci.Timestamp)
		}
	}
}

func newReader(t *testing.T, f io.Reader) *pcapgo.Reader {
	t.Helper()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.LinkType() != layers.LinkTypeEthernet || r.Snaplen() != 65535 {
		t.Fatalf("link type %v snaplen %d", r.LinkType(), r.Snaplen())
	}
	return r
}

func TestCapture(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	frames := append(numbered(60, 60), numbered(3, 2048)...)
	ctx, b := batch(t, frames...)
	h.Run(ctx, b)
	h.Run(ctx, b)
	r := newReader(t, f)
	expect(t, r, frames...)
	expect(t, r, frames...)
	if b.Len() != 63 {
		t.Fatalf("the batch has %d packets left", b.Len())
	}
}

func TestSegmentedPacketKeepsItsLength(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	ctx, b := batch(t, bytes.Repeat([]byte("x"), 5000))
	h.Run(ctx, b)
	data, ci, err := newReader(t, f).ReadPacketData()
	if err != nil {
		t.Fatal(err)
	}
	if ci.Length != 5000 || len(data) != b.At(0).Len() || ci.CaptureLength != len(data) {
		t.Fatalf("captured %d of %d bytes, want the first segment, %d of 5000", ci.CaptureLength, ci.Length, b.At(0).Len())
	}
}

// One stamp per batch.
func TestPacketsOfABatchHaveOneStamp(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	ctx, b := batch(t, numbered(64, 1500)...)
	h.Run(ctx, b)
	r := newReader(t, f)
	var first time.Time
	for i := range 64 {
		_, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ci.Timestamp
		}
		if !ci.Timestamp.Equal(first) {
			t.Fatalf("packet %d: %v, the first %v", i, ci.Timestamp, first)
		}
	}
}

// BESS answered the negated errno.
func TestErrorsArePositive(t *testing.T) {
	regular := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(regular, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		arg  *api.TcpdumpArg
		code int
	}{
		{"no path", &api.TcpdumpArg{}, errno.EINVAL},
		{"nobody reads", &api.TcpdumpArg{Fifo: mkfifo(t)}, errno.ENXIO},
		{"missing", &api.TcpdumpArg{Fifo: "/nonexistent/fifo"}, errno.ENOENT},
		{"missing, deferred", &api.TcpdumpArg{Fifo: "/nonexistent/fifo", Defer: true}, errno.ENOENT},
		{"no FIFO", &api.TcpdumpArg{Fifo: regular}, errno.EINVAL},
	} {
		h, err := tcpdump.Class.New(hook.Gate{Log: slog.New(slog.DiscardHandler)}, c.arg)
		if err == nil {
			h.Close()
		}
		if errno.Code(err) != c.code {
			t.Errorf("%s: code %d (%v), want %d", c.name, errno.Code(err), err, c.code)
		}
		if err != nil && c.arg.Fifo != "" && !strings.Contains(err.Error(), c.arg.Fifo) {
			t.Errorf("%s: %q does not name the path", c.name, err)
		}
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	testenv.Eventually(t, what+" happens", f)
}

// size returns how many bytes wait in the pipe.
func size(f *os.File) int {
	n := 0
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	return n
}

// BESS used the path before it was known; long paths did not work.
func TestDeferredWithALongPath(t *testing.T) {
	path := mkfifo(t)
	h := attach(t, &api.TcpdumpArg{Fifo: path, Defer: true})
	frames := numbered(2, 60)
	ctx, b := batch(t, frames...)
	h.Run(ctx, b) // goes nowhere
	f := openReader(t, path)
	defer f.Close()
	captureUntilSeen(t, h, ctx, b, f)
	expect(t, newReader(t, f), frames...)
}

// captureUntilSeen runs the hook until packets arrive behind the header.
func captureUntilSeen(t testing.TB, h hook.Hook, ctx *module.Context, b *packet.Batch, f *os.File) {
	t.Helper()
	eventually(t, "opening", func() bool {
		h.Run(ctx, b)
		return size(f) > 24
	})
}

// awaitEnd waits until the pipe has been closed: a reader is at the end of the
// file at once.
func awaitEnd(t testing.TB, path string) {
	t.Helper()
	eventually(t, "closing", func() bool {
		f := openReader(t, path)
		defer f.Close()
		_, err := f.Read(make([]byte, 1))
		return err == io.EOF
	})
}

func TestReconnect(t *testing.T) {
	path := mkfifo(t)
	h := attach(t, &api.TcpdumpArg{Fifo: path, Defer: true, Reconnect: true})
	frames := numbered(5, 100)
	ctx, b := batch(t, frames...)
	for range 3 {
		f := openReader(t, path)
		captureUntilSeen(t, h, ctx, b, f)
		expect(t, newReader(t, f), frames...)
		f.Close()
		h.Run(ctx, b) // notices
		// A FIFO made anew: the old pipe may not be closed yet.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithoutReconnectTheCaptureEnds(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	f.Close()
	ctx, b := batch(t, numbered(5, 100)...)
	h.Run(ctx, b) // notices
	awaitEnd(t, path)
	f = openReader(t, path)
	defer f.Close()
	h.Run(ctx, b)
	if n := size(f); n != 0 {
		t.Fatalf("%d bytes written after the end", n)
	}
}

// A slow reader loses the rest of a batch, never a part of a packet, and the
// worker does not wait.
func TestFullPipeDropsTheRestOfTheBatch(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	ctx, b := batch(t, numbered(64, 1500)...)
	for before := -1; size(f) != before; {
		before = size(f)
		h.Run(ctx, b)
	}
	n := size(f)
	r := newReader(t, f)
	for n -= 24; n > 0; n -= 16 + 1500 {
		data, ci, err := r.ReadPacketData()
		if err != nil || ci.CaptureLength != 1500 || bytes.Count(data, data[:1]) != 1500 {
			t.Fatalf("a torn packet: %d bytes, %v", ci.CaptureLength, err)
		}
	}
	if n != 0 {
		t.Fatalf("the pipe ends %d bytes inside a packet", -n)
	}
	// There is room again.
	h.Run(ctx, b)
	expect(t, r, numbered(64, 1500)...)
}

func TestSeveralWorkersWriteWholePackets(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	const workers, rounds = 3, 50
	var wg sync.WaitGroup
	for w := range workers {
		ctx, b := batch(t, bytes.Repeat([]byte{byte(w)}, 50), bytes.Repeat([]byte{byte(w)}, 600*(w+1)))
		wg.Go(func() {
			for range rounds {
				h.Run(ctx, b)
			}
		})
	}
	wg.Wait()
	left := size(f) - 24
	r := newReader(t, f)
	for ; left > 0; left -= 16 {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{50, 600 * (int(data[0]) + 1)}; len(data) != want[0] && len(data) != want[1] {
			t.Fatalf("a packet of %d bytes", len(data))
		}
		if bytes.Count(data, data[:1]) != len(data) {
			t.Fatalf("packets are mixed up: %x", data)
		}
		left -= ci.CaptureLength
	}
}

func TestNoAllocs(t *testing.T) {
	path := mkfifo(t)
	f := openReader(t, path)
	defer f.Close()
	h := attach(t, &api.TcpdumpArg{Fifo: path})
	ctx, b := batch(t, numbered(64, 60)...)
	sink := make([]byte, 1<<16)
	if n := testing.AllocsPerRun(100, func() {
		h.Run(ctx, b)
		_, _ = f.Read(sink)
	}); n != 0 {
		t.Fatalf("%v allocations per batch", n)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, size := range []int{60, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			path := mkfifo(b)
			f := openReader(b, path)
			defer f.Close()
			h := attach(b, &api.TcpdumpArg{Fifo: path})
			ctx, batch := batch(b, numbered(64, size)...)
			sink := make([]byte, 1<<20)
			b.ReportAllocs()
			for b.Loop() {
				h.Run(ctx, batch)
				b.StopTimer()
				_, _ = f.Read(sink)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkNobodyReads is what an attached but idle capture costs.
func BenchmarkNobodyReads(b *testing.B) {
	h := attach(b, &api.TcpdumpArg{Fifo: mkfifo(b), Defer: true})
	ctx, batch := batch(b, numbered(64, 60)...)
	b.ReportAllocs()
	for b.Loop() {
		h.Run(ctx, batch)
	}
}
