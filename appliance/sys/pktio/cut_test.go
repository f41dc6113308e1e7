// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// What a host hands over in one piece, to be cut by the hardware, is cut.
func TestInterfaceCutsDatagrams(t *testing.T) {
	for _, o := range []InterfaceOptions{both(), {Receive: true, Send: true, Frames: 64, Blocks: true}} {
		k := connect(t, o)
		k.udpFromHost(20100, 1000)
		var all []byte
		for i, f := range k.recv(21) {
			size := 1000
			if i == 20 {
				size = 100
			}
			checkTransport(t, f)
			if id := binary.BigEndian.Uint16(f[18:]); len(f) != 42+size {
				t.Fatalf("piece %d: %d bytes, want %d, id %d", i, len(f), 42+size, id)
			}
			all = append(all, f[42:]...)
		}
		if !bytes.Equal(all, pattern(20100, 1)) {
			t.Fatal("other bytes")
		}
		if n := k.near.Dropped(); n != 0 {
			t.Errorf("%d dropped", n)
		}
	}
}

// checkTransport verifies lengths and checksums of a frame of TCP or UDP.
func checkTransport(t testing.TB, f []byte) {
	t.Helper()
	var l layout
	if !l.find(f, len(f)) || l.end != len(f) {
		t.Fatalf("%d bytes: %.60x", len(f), f)
	}
	if !l.v6 && plainSum(f[l.l3:l.l4]) != 0 {
		t.Fatalf("wrong header checksum: %x", f[l.l3:l.l4])
	}
	pseudo := bytes.Clone(f[l.l3+12 : l.l3+20])
	if l.v6 {
		pseudo = bytes.Clone(f[l.l3+8 : l.l3+40])
	}
	n := l.end - l.l4
	pseudo = append(pseudo, 0, l.proto, byte(n>>8), byte(n))
	if plainSum(append(pseudo, f[l.l4:l.end]...)) != 0 {
		t.Fatalf("wrong transport checksum: %x", f[l.l4:l.payload])
	}
	if l.proto == protoUDP && int(binary.BigEndian.Uint16(f[l.l4+4:])) != n {
		t.Fatal("wrong length of UDP")
	}
}

// bridge are two namespaces whose interfaces "far" are joined by two
// Interfaces that forward everything to each other.
type bridge struct {
	t       testing.TB
	hosts   [2]*testenv.Namespace
	ends    [2]*Interface
	seen    func(f []byte) // every packet on its way
	c       *packet.Cache
	biggest int
	count   int
}

func newBridge(t testing.TB, o InterfaceOptions) *bridge {
	t.Helper()
	testenv.NoLeaks(t)
	m := &bridge{t: t, c: pool(t, 8192), seen: func([]byte) {}}
	for i := range 2 {
		ns := testenv.Netns(t)
		ns.Veth("near", "far")
		ns.Do(func() (err error) { m.ends[i], err = OpenInterface("near", o); return err })
		t.Cleanup(m.ends[i].Close)
		ns.Address("far", []string{"10.0.0.1/24", "10.0.0.2/24"}[i])
		m.hosts[i] = ns
	}
	return m
}

// run forwards until over is closed.
func (m *bridge) run(over <-chan struct{}) {
	var b packet.Batch
	for {
		select {
		case <-over:
			return
		default:
		}
		idle := true
		for i := range 2 {
			for m.ends[i].Recv(0, m.c, &b, packet.BatchSize) > 0 {
				idle = false
				m.count += b.Len()
				for _, p := range b.Packets() {
					m.biggest = max(m.biggest, p.TotalLen())
					m.seen(content(p))
				}
				n := m.ends[1-i].Send(0, m.c, b.Packets())
				m.c.FreeAll(b.Packets()[n:])
				b.Clear()
			}
		}
		if idle {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// transfer sends data over TCP from the first host to the second one.
func (m *bridge) transfer(data []byte) []byte {
	m.t.Helper()
	over, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); m.run(over) }()
	defer func() { close(over); <-ended }()
	var l net.Listener
	m.hosts[1].Do(func() (err error) { l, err = net.Listen("tcp4", "10.0.0.2:7"); return err })
	defer func() { _ = l.Close() }()
	var got []byte
	read := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			got, err = io.ReadAll(c)
			_ = c.Close()
		}
		read <- err
	}()
	m.hosts[0].Do(func() error {
		c, err := net.DialTimeout("tcp4", "10.0.0.2:7", time.Minute)
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Minute)) // losses cost seconds on a busy machine
		if _, err := c.Write(data); err != nil {
			return err
		}
		return c.Close()
	})
	if err := <-read; err != nil {
		m.t.Fatal(err)
	}
	return got
}

// Two real hosts with all their offloads speak TCP through the engine. Every
// packet in it is one that could be on a cable.
func TestTCPWithOffloads(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		m := newBridge(t, InterfaceOptions{Receive: true, Send: true, Frames: 512, Blocks: blocks})
		var strange int
		m.seen = func(f []byte) {
			var l layout
			if l.find(f, len(f)) {
				checkTransport(t, f)
			} else if len(f) > 100 {
				strange++
			}
		}
		data := pattern(3<<20, 1)
		if got := m.transfer(data); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes arrived of %d", len(got), len(data))
		}
		if m.biggest != 1514 || strange > 0 {
			t.Errorf("packets of up to %d bytes; %d strange ones", m.biggest, strange)
		}
		for _, e := range m.ends {
			if n := e.Dropped(); n > 0 {
				t.Logf("%d dropped", n)
			}
		}
	}
}

// With Large the hosts' packets pass as they are, and arrive.
func TestTCPInLargePackets(t *testing.T) {
	m := newBridge(t, InterfaceOptions{Receive: true, Send: true, Frames: 512, Large: true})
	data := pattern(3<<20, 1)
	// TCP makes packets for a millisecond: where everything takes long, small
	// ones, at first.
	for i := 0; i < 10 && m.biggest < 10000; i++ {
		if got := m.transfer(data); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes arrived of %d", len(got), len(data))
		}
	}
	if m.biggest < 10000 {
		t.Errorf("packets of up to %d bytes", m.biggest)
	}
}

// A large packet that cannot be sent as what it was is not sent at all.
func TestLargePacketsThatChanged(t *testing.T) {
	k := connect(t, InterfaceOptions{Receive: true, Send: true, Frames: 64, Large: true})
	k.udpFromHost(20000, 1000)
	var b packet.Batch
	testenv.Eventually(t, "the packet is there", func() bool { return k.near.Recv(0, k.c, &b, 64) == 1 })
	p := b.At(0)
	if kind, size := p.Pieces(); p.TotalLen() != 20042 || p.Flags()&packet.FlagLarge == 0 || size != 1000 || sys.Offload(kind) != sys.OffloadUDP {
		t.Fatalf("%d bytes, pieces %d of %d", p.TotalLen(), kind, size)
	}
	checkTransport(t, content(p))
	s, err := NewSender()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := s.Send(k.near.out[0].out, k.c, b.Packets()); n != 0 {
		t.Error("sent by a sender that cannot")
	}
	p.Prepend(4)
	copy(p.Bytes()[:12], p.Bytes()[4:])
	copy(p.Bytes()[12:], []byte{0x88, 0x47, 0, 0}) // MPLS
	if n := k.near.Send(0, k.c, b.Packets()); n != 0 {
		t.Error("sent with unknown headers")
	}
	k.c.FreeBatch(&b)
}

// headers is the beginning of a frame of TCP over IPv4 or IPv6.
func headers(v6 bool, payload int) []byte {
	f := make([]byte, 14, 74)
	if v6 {
		f[12], f[13] = 0x86, 0xdd
		ip := make([]byte, 40)
		ip[0], ip[6] = 0x60, protoTCP
		binary.BigEndian.PutUint16(ip[4:], uint16(20+payload))
		copy(ip[8:], bytes.Repeat([]byte{0xfd, 7}, 16))
		f = append(f, ip...)
	} else {
		f[12] = 8
		ip := make([]byte, 20)
		ip[0], ip[9], ip[5] = 0x45, protoTCP, 9
		binary.BigEndian.PutUint16(ip[2:], uint16(40+payload))
		copy(ip[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
		f = append(f, ip...)
	}
	tcp := make([]byte, 20)
	copy(tcp, []byte{0, 1, 0, 2, 0xff, 0xff, 0xff, 0})
	tcp[12], tcp[13] = 0x50, 0x99 // CWR, ACK, PSH, FIN
	return append(f, tcp...)
}

func TestPiecesOfTCP(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		for _, size := range []int{1, 100, 999, 1000, 5000} {
			c := pool(t, 2048)
			data := append(headers(v6, 1000), pattern(1000, 1)...)
			f := sys.Frame{Len: len(data), Kind: sys.OffloadTCP4, Cut: size, Partial: true, SumFrom: 34, Tagged: true, TPID: 0x88a8, TCI: 7}
			if v6 {
				f.Kind, f.SumFrom = sys.OffloadTCP6, 54
			}
			var k cutter
			if !k.start(append(data, 0, 0, 0), &f) {
				t.Fatal("not cut")
			}
			var all []byte
			for i, want := 0, (999+size)/size; k.busy(); i++ {
				if k.left() != want-i {
					t.Fatalf("%d pieces left, want %d", k.left(), want-i)
				}
				p := k.next(c)
				b := content(p)
				c.Free(p)
				checkTransport(t, b)
				if !bytes.Equal(b[12:16], []byte{0x88, 0xa8, 0, 7}) {
					t.Fatalf("tag %x", b[12:16])
				}
				l4 := f.SumFrom + 4
				flags := byte(0x10)
				if i == 0 {
					flags |= 0x80
				}
				if i == want-1 {
					flags |= 0x09
				}
				if seq := binary.BigEndian.Uint32(b[l4+4:]); seq != 0xffffff00+uint32(len(all)) || b[l4+13] != flags {
					t.Fatalf("piece %d: sequence %x, flags %x, want %x", i, seq, b[l4+13], flags)
				}
				if id := binary.BigEndian.Uint16(b[22:]); !v6 && id != uint16(9+i) {
					t.Fatalf("piece %d: id %d", i, id)
				}
				all = append(all, b[l4+20:]...)
			}
			if !bytes.Equal(all, pattern(1000, 1)) {
				t.Fatal("other bytes")
			}
		}
	}
}

func TestCutNeedsBuffers(t *testing.T) {
	k := connect(t, both())
	var held []packet.Packet
	for p := k.c.Alloc(); p != 0; p = k.c.Alloc() {
		held = append(held, p)
	}
	for _, p := range held[:5] {
		k.c.Free(p)
	}
	k.udpFromHost(20000, 1000)
	testenv.Eventually(t, "some pieces are there", func() bool { return k.near.Recv(0, k.c, &k.b, 64) == 5 })
	if n := k.near.Dropped(); n != 15 {
		t.Errorf("%d dropped, want 15", n)
	}
	k.c.FreeBatch(&k.b)
	for _, p := range held[5:] {
		k.c.Free(p)
	}
	k.put(frame(60, 1))
	same(t, k.recv(1), [][]byte{frame(60, 1)})
}

// Whatever arrives, pieces are whole packets.
func FuzzCut(f *testing.F) {
	f.Add(append(headers(false, 1000), pattern(1000, 1)...), uint8(1), uint16(100), uint16(34), true)
	f.Add(append(headers(true, 100), pattern(100, 1)...), uint8(4), uint16(10), uint16(54), false)
	f.Add([]byte{}, uint8(5), uint16(0), uint16(0), true)
	p, err := packet.NewPool(1 << 12)
	if err != nil {
		f.Fatal(err)
	}
	c := p.NewCache()
	f.Fuzz(func(t *testing.T, data []byte, kind uint8, cut, from uint16, tagged bool) {
		fr := sys.Frame{Len: len(data), Kind: sys.Offload(kind), Cut: int(cut), Partial: true, SumFrom: int(from), Tagged: tagged, TPID: 0x8100, TCI: 1}
		var k cutter
		if len(data) > packet.MaxTotal || !k.start(data, &fr) {
			return
		}
		for k.busy() {
			p := k.next(c)
			if p == 0 {
				t.Fatal("no buffer")
			}
			checkTransport(t, content(p))
			c.Free(p)
		}
	})
}
