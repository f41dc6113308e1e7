// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// pool returns a cache of a new pool whose buffers must all be free in the
// end.
func pool(t testing.TB, n int) *packet.Cache {
	t.Helper()
	p, err := packet.NewPool(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if free := p.Available(); free != n {
			t.Errorf("%d of %d buffers are free in the end", free, n)
		}
		p.Close()
	})
	return p.NewCache()
}

// content returns the bytes of a packet.
func content(p packet.Packet) []byte {
	b := make([]byte, p.TotalLen())
	p.CopyOut(b)
	return b
}

// batch makes a batch of packets with the given contents.
func batch(t testing.TB, c *packet.Cache, frames ...[]byte) *packet.Batch {
	t.Helper()
	b := &packet.Batch{}
	for _, f := range frames {
		p := c.New(f)
		if p == 0 {
			t.Fatal("no buffer")
		}
		b.Add(p)
	}
	return b
}

func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	return b
}

// plainSum is RFC 1071 as it is written.
func plainSum(b []byte) uint16 {
	var acc uint32
	for i := 0; i < len(b); i += 2 {
		acc += uint32(b[i]) << 8
		if i+1 < len(b) {
			acc += uint32(b[i+1])
		}
		acc = acc>>16 + acc&0xffff
	}
	return ^uint16(acc)
}

func TestCompleteAgreesWithThePlainSum(t *testing.T) {
	c := pool(t, 256)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		data := make([]byte, 2+rng.IntN(5000))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		from := rng.IntN(len(data) - 1)
		at := from + rng.IntN(len(data)-from-1)
		if at == from+sctpSum {
			continue // SCTP has its checksum there, which is another one
		}
		p := c.New(data)
		if rng.IntN(2) == 0 {
			c.Free(p)
			p = split(c, rng, data)
		}
		want := bytes.Clone(data)
		sum := plainSum(data[from:])
		if sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(want[at:], sum)
		Complete(p, from, at)
		if got := content(p); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes from %d at %d: %x, want %x", len(data), from, at, got[at:at+2], want[at:at+2])
		}
		c.Free(p)
	}
}

// split returns a packet of segments of odd and even lengths, some empty.
func split(c *packet.Cache, rng *rand.Rand, data []byte) packet.Packet {
	var head packet.Packet
	for first := true; first || len(data) > 0; first = false {
		n := min(len(data), rng.IntN(700))
		s := c.New(data[:n])
		data = data[n:]
		if first {
			head = s
		} else {
			head.Chain(s)
		}
	}
	return head
}

func TestCompleteOutsideThePacketChangesNothing(t *testing.T) {
	c := pool(t, 64)
	data := pattern(60, 3)
	p := c.New(data)
	for _, k := range [][2]int{{0, 59}, {61, 61}, {60, 60}, {-1, 5}, {10, 8}, {0, 1 << 16}, {65535, 65535}} {
		Complete(p, k[0], k[1])
	}
	if !bytes.Equal(content(p), data) {
		t.Fatal("the packet was changed")
	}
	c.Free(p)
	empty := c.Alloc()
	Complete(empty, 0, 0)
	c.Free(empty)
}

func TestCompleteNeverWritesZero(t *testing.T) {
	c := pool(t, 64)
	p := c.New([]byte{0xff, 0xff, 0, 0})
	Complete(p, 0, 2)
	if b := p.Bytes(); b[2] != 0xff || b[3] != 0xff {
		t.Fatalf("%x", b)
	}
	c.Free(p)
}

// sockets returns a connected pair that exchanges messages.
func sockets(t *testing.T) (int, *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := os.NewFile(uintptr(fds[1]), "other")
	t.Cleanup(func() { _ = syscall.Close(fds[0]); _ = other.Close() })
	return fds[0], other
}

func TestRefusedPacketsHoldUpNoOther(t *testing.T) {
	c := pool(t, 256)
	fd, other := sockets(t)
	// A message must fit into the buffer as a whole.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 8000); err != nil {
		t.Fatal(err)
	}
	s, err := NewSender()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	big, small := pattern(40000, 9), [][]byte{pattern(60, 1), pattern(61, 2), pattern(62, 3)}
	b := batch(t, c, big, small[0], nil, small[1], big, small[2], nil)
	n := s.Send(fd, c, b.Packets())
	if n != 3 {
		t.Fatalf("%d packets sent, want 3", n)
	}
	for _, want := range small {
		got := make([]byte, 100)
		k, err := other.Read(got)
		if err != nil || !bytes.Equal(got[:k], want) {
			t.Fatalf("%x, %v, want %x", got[:k], err, want)
		}
	}
	left := 0
	for _, p := range b.Packets()[n:] {
		left += p.TotalLen()
	}
	if left != 2*len(big) {
		t.Fatalf("%d bytes are left, want those of two big packets", left)
	}
	c.FreeAll(b.Packets()[n:])
}

func TestBrokenSocketTakesNothing(t *testing.T) {
	c := pool(t, 64)
	fd, other := sockets(t)
	_ = other.Close()
	s, err := NewSender()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := batch(t, c, pattern(60, 1), pattern(60, 2))
	for _, fd := range []int{fd, -1} {
		if n := s.Send(fd, c, b.Packets()); n != 0 {
			t.Fatalf("%d packets went nowhere", n)
		}
	}
	c.FreeBatch(b)
}

func BenchmarkComplete1500(b *testing.B) {
	c := pool(b, 64)
	p := c.New(pattern(1514, 1))
	for b.Loop() {
		Complete(p, 34, 50)
	}
	c.Free(p)
}
