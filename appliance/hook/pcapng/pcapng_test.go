// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func mkfifo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
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
	f := os.NewFile(uintptr(fd), path)
	t.Cleanup(func() { f.Close() })
	return f
}

// emitter is a module whose task emits the same packets again and again.
type emitter struct {
	module.NoInput
	frames [][]byte
	meta   []byte
}

func (e *emitter) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	for _, f := range e.frames {
		p := ctx.Cache.New(f)
		copy(p.Metadata()[:], e.meta)
		b.Add(p)
	}
	ctx.EmitBatch(b, 0)
	return module.Result{}
}

// sink frees everything.
type sink struct{}

func (sink) Process(ctx *module.Context, b *packet.Batch) { ctx.FreeBatch(b) }

// capture attaches a hook to the gate of an emitter and returns the reader of
// its FIFO, and the function that runs the emitter once.
func capture(t testing.TB, e *emitter, attrs []module.Attr, offsets []int8) (*os.File, func()) {
	t.Helper()
	path := mkfifo(t)
	f := openReader(t, path)
	h, err := Class.New(hook.Gate{Module: "m", Attrs: attrs, Log: slog.New(slog.DiscardHandler)}, &api.PcapngArg{Fifo: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx := module.NewContext(0, pool.NewCache(), 1e9)
	end := &module.Node{Mod: sink{}, Cells: module.NewCells(0)}
	n := &module.Node{Mod: e, Cells: module.NewCells(0), Offsets: offsets,
		Outs: []module.Out{{In: &module.In{Node: end, Single: true}, Hooks: []module.Hook{h}}}}
	return f, func() {
		if _, fault := ctx.RunTask(n, e, 0, 0); fault != nil {
			t.Fatal(fault.Value)
		}
	}
}

// block is a block as a reader sees it.
type block struct {
	kind uint32
	body []byte
}

// readBlock reads the next block and checks its frame.
func readBlock(t *testing.T, r io.Reader) block {
	t.Helper()
	e := binary.NativeEndian
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	size := e.Uint32(head[4:])
	if size < 12 || size%4 != 0 || size > 1<<16 {
		t.Fatalf("a block of %d bytes", size)
	}
	rest := make([]byte, size-8)
	if _, err := io.ReadFull(r, rest); err != nil {
		t.Fatal(err)
	}
	if end := e.Uint32(rest[len(rest)-4:]); end != size {
		t.Fatalf("a block of %d bytes says %d at its end", size, end)
	}
	return block{e.Uint32(head), rest[:len(rest)-4]}
}

// comments returns the comments of an enhanced packet block.
func (b block) comments(t *testing.T) []string {
	t.Helper()
	e := binary.NativeEndian
	o := b.body[20+pad(int(e.Uint32(b.body[12:]))):]
	var list []string
	for len(o) > 0 {
		code, n := e.Uint16(o), int(e.Uint16(o[2:]))
		if code == optionEnd {
			if n != 0 || len(o) != 4 {
				t.Fatalf("%d bytes after the end of the options", len(o)-4)
			}
			return list
		}
		if code == optionComment {
			list = append(list, string(o[4:4+n]))
		}
		o = o[4+pad(n):]
	}
	return list
}

func TestFileHeader(t *testing.T) {
	f, _ := capture(t, &emitter{}, nil, nil)
	e := binary.NativeEndian
	s := readBlock(t, f)
	if s.kind != 0x0a0d0d0a || e.Uint32(s.body) != 0x1a2b3c4d || e.Uint16(s.body[4:]) != 1 ||
		e.Uint16(s.body[6:]) != 0 || int64(e.Uint64(s.body[8:])) != -1 {
		t.Errorf("section header %x %x", s.kind, s.body)
	}
	i := readBlock(t, f)
	if i.kind != 1 || e.Uint16(i.body) != 1 || e.Uint32(i.body[4:]) != 1518 {
		t.Errorf("interface description %x %x", i.kind, i.body)
	}
}

// What we write is what somebody else's reader reads.
func TestForeignReader(t *testing.T) {
	em := &emitter{meta: []byte{1, 2, 3, 4}}
	for n := range 64 {
		em.frames = append(em.frames, bytes.Repeat([]byte{byte(n)}, 14+n*23))
	}
	f, run := capture(t, em, []module.Attr{{Name: "a", Size: 4}}, []int8{0})
	run()
	run()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	if r.LinkType() != layers.LinkTypeEthernet {
		t.Errorf("link type %v", r.LinkType())
	}
	for i := range 128 {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		want := em.frames[i%64]
		if !bytes.Equal(data, want[:min(len(want), 1518)]) || ci.Length != len(want) {
			t.Fatalf("packet %d: %d of %d bytes", i, len(data), ci.Length)
		}
		if age := time.Since(ci.Timestamp); age < -time.Second || age > time.Hour {
			t.Fatalf("packet %d is of %v", i, ci.Timestamp)
		}
	}
}

func TestComments(t *testing.T) {
	meta := make([]byte, packet.MetadataSize)
	for i := range meta {
		meta[i] = byte(0xa0 + i)
	}
	for _, c := range []struct {
		name    string
		attrs   []module.Attr
		offsets []int8
		want    []string
	}{
		{"none", nil, nil, nil},
		{"one", []module.Attr{{Name: "tun_id", Size: 4}}, []int8{8}, []string{"tun_id = A8A9AAAB"}},
		{"no downstream reader", []module.Attr{{Name: "x", Size: 2}}, []int8{module.OffsetNoWrite}, []string{"x = XXXX"}},
		{"several", []module.Attr{{Name: "b", Size: 1}, {Name: "x y", Size: 3}, {Name: "c", Size: 2}},
			[]int8{0, module.OffsetNoRead, 4}, []string{"b = A0 x y = XXXXXX c = A4A5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, run := capture(t, &emitter{frames: [][]byte{[]byte("hello")}, meta: meta}, c.attrs, c.offsets)
			run()
			readBlock(t, f)
			readBlock(t, f)
			b := readBlock(t, f)
			if b.kind != 6 || string(b.body[20:25]) != "hello" {
				t.Fatalf("block %d %q", b.kind, b.body)
			}
			got := b.comments(t)
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Fatalf("comments %q, want %q", got, c.want)
			}
		})
	}
}

// The longest packet with the longest comment is still one write.
func TestBlocksFitIntoOneWrite(t *testing.T) {
	var attrs []module.Attr
	for range module.MaxAttrs {
		attrs = append(attrs, module.Attr{Name: strings.Repeat("n", 255), Size: 32})
	}
	f, run := capture(t, &emitter{frames: [][]byte{make([]byte, packet.BufferSize), make([]byte, 60)}}, attrs, make([]int8, len(attrs)))
	run()
	readBlock(t, f)
	readBlock(t, f)
	for range 2 {
		b := readBlock(t, f)
		if n := len(b.body) + 12; n > sys.FIFOChunk {
			t.Fatalf("a block of %d bytes", n)
		}
		if c := b.comments(t); len(c) != 1 || len(c[0]) > maxComment || len(c[0]) < maxComment-400 {
			t.Fatalf("comments of %d bytes", len(c[0]))
		}
	}
}

// A module that was exchanged for one with larger attributes must not make
// the hook read outside the metadata area.
func TestOffsetsOutsideTheAreaShowAsUnknown(t *testing.T) {
	f, run := capture(t, &emitter{frames: [][]byte{[]byte("hello")}}, []module.Attr{{Name: "a", Size: 8}}, []int8{124})
	run()
	readBlock(t, f)
	readBlock(t, f)
	if c := readBlock(t, f).comments(t); len(c) != 1 || c[0] != "a = "+strings.Repeat("X", 16) {
		t.Fatalf("comments %q", c)
	}
}

func TestErrorsArePositive(t *testing.T) {
	for _, c := range []struct {
		name string
		arg  *api.PcapngArg
		code int
	}{
		{"no path", &api.PcapngArg{}, errno.EINVAL},
		{"nobody reads", &api.PcapngArg{Fifo: mkfifo(t)}, errno.ENXIO},
		{"missing", &api.PcapngArg{Fifo: "/nonexistent/fifo", Defer: true}, errno.ENOENT},
		{"no FIFO", &api.PcapngArg{Fifo: "/dev/null"}, errno.EINVAL},
	} {
		h, err := Class.New(hook.Gate{Log: slog.New(slog.DiscardHandler)}, c.arg)
		if err == nil {
			h.Close()
		}
		if errno.Code(err) != c.code {
			t.Errorf("%s: code %d (%v), want %d", c.name, errno.Code(err), err, c.code)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	em := &emitter{}
	for range 64 {
		em.frames = append(em.frames, make([]byte, 60))
	}
	f, run := capture(t, em, []module.Attr{{Name: "a", Size: 4}}, []int8{0})
	buf := make([]byte, 1<<16)
	if n := testing.AllocsPerRun(100, func() {
		run()
		_, _ = f.Read(buf)
	}); n != 0 {
		t.Fatalf("%v allocations per batch", n)
	}
}

func BenchmarkRun(b *testing.B) {
	em := &emitter{}
	for range 64 {
		em.frames = append(em.frames, make([]byte, 60))
	}
	f, run := capture(b, em, []module.Attr{{Name: "a", Size: 4}}, []int8{0})
	buf := make([]byte, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		run()
		b.StopTimer()
		_, _ = f.Read(buf)
		b.StartTimer()
	}
}
