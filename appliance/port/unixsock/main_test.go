// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/unixsock"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(floodPath); path != "" {
		flood(path)
	}
	testenv.Main(m)
}

type arg = unixsock.UnixSocketPortArg

// bench is an open port with a worker's cache.
type bench struct {
	t    testing.TB
	pool *packet.Pool
	c    *packet.Cache
	p    *port.Port
	path string
	b    packet.Batch
}

// open opens a port; without a path in a it gets one of its own.
func open(t testing.TB, a *arg) *bench {
	t.Helper()
	return openPool(t, a, 1024)
}

func openPool(t testing.TB, a *arg, buffers int) *bench {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(buffers)
	if err != nil {
		t.Fatal(err)
	}
	if a.Path == "" {
		a.Path = filepath.Join(t.TempDir(), "s")
	}
	p, err := try("p0", a)
	if err != nil {
		t.Fatal(err)
	}
	w := &bench{t: t, pool: pool, c: pool.NewCache(), p: p, path: a.Path}
	t.Cleanup(func() {
		p.Device.Close()
		if n := pool.Available(); n != buffers {
			t.Errorf("%d of %d buffers are free in the end", n, buffers)
		}
		pool.Close()
	})
	return w
}

func try(name string, a *arg) (*port.Port, error) {
	cfg := port.Config{Name: name, NumInc: 1, NumOut: 1, SizeInc: 1024, SizeOut: 1024}
	return port.Open(unixsock.Driver, cfg, a, nil)
}

// dial connects a client.
func (w *bench) dial() *net.UnixConn {
	w.t.Helper()
	var c *net.UnixConn
	testenv.Eventually(w.t, "there is room in the backlog", func() bool {
		var err error
		c, err = net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: w.path, Net: "unixpacket"})
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			w.t.Fatal(err)
		}
		return err == nil
	})
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// served connects a client and waits until the port serves it.
func (w *bench) served() *net.UnixConn {
	w.t.Helper()
	c := w.dial()
	w.settle(true)
	return c
}

// settle waits until the port has a client, or has none.
func (w *bench) settle(client bool) {
	w.t.Helper()
	want := "no client is connected"
	if client {
		want = "a client is connected"
	}
	testenv.Eventually(w.t, want, func() bool { return w.notes()[1] == want })
}

func (w *bench) notes() []string { return w.p.Device.(port.Noter).Notes() }

// recv polls once and returns what came; the packets are freed.
func (w *bench) recv() [][]byte {
	w.b.Clear()
	w.p.Recv(0, w.c, &w.b, packet.BatchSize)
	var out [][]byte
	for _, p := range w.b.Packets() {
		data := make([]byte, p.TotalLen())
		p.CopyOut(data)
		out = append(out, data)
	}
	w.c.FreeBatch(&w.b)
	return out
}

// collect polls until n packets have come.
func (w *bench) collect(n int) [][]byte {
	w.t.Helper()
	var all [][]byte
	testenv.Eventually(w.t, "packets arrive", func() bool {
		all = append(all, w.recv()...)
		return len(all) >= n
	})
	return all
}

// send sends packets with the given contents as one batch.
func (w *bench) send(frames ...[]byte) {
	w.t.Helper()
	w.b.Clear()
	for _, f := range frames {
		p := w.c.New(f)
		if p == 0 {
			w.t.Fatal("no buffer")
		}
		w.b.Add(p)
	}
	w.p.Send(0, w.c, &w.b)
}

func write(t testing.TB, c *net.UnixConn, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if _, err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads messages from a client.
func expect(t testing.TB, c *net.UnixConn, frames ...[]byte) {
	t.Helper()
	buf := make([]byte, 1<<17)
	for i, f := range frames {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if !bytes.Equal(buf[:n], f) {
			t.Fatalf("message %d: %d bytes %.40x, want %d bytes %.40x", i, n, buf[:n], len(f), f)
		}
	}
}

// expectEOF waits until the port has hung up.
func expectEOF(t testing.TB, c *net.UnixConn) {
	t.Helper()
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if err == nil || n > 0 {
		t.Fatalf("read %q, want the end", buf[:n])
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

// pattern returns n bytes that differ from those of another seed.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	return b
}
