// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// rig is a NAT whose time the test makes: one cycle is one second.
type rig struct {
	t       testing.TB
	m       *NAT
	now     uint64
	partial bool
	lane
}

// lane is what a worker has.
type lane struct {
	ctx    *module.Context
	cells  *module.Cells
	feed   *module.Node
	into   [2]*module.In
	frames [][]byte
	flags  uint32
	got    [2][][]byte
}

func newRig(t testing.TB, arg *NATArg) *rig {
	t.Helper()
	m, err := create(nil, arg)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := packet.NewPool(1 << 10)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, m: m, now: 1000}
	m.clock = func() uint32 { return uint32(r.now) }
	r.lane.init(m, pool, 0)
	t.Cleanup(func() {
		m.Close()
		r.ctx.Cache.Close()
		if n := pool.Available(); n != 1<<10 {
			t.Errorf("%d packets leaked", 1<<10-n)
		}
		pool.Close()
	})
	return r
}

func (l *lane) init(m *NAT, pool *packet.Pool, worker int) {
	l.ctx = module.NewContext(worker, pool.NewCache(), 1)
	l.cells = module.NewCells(len(Class.Counters))
	node := &module.Node{Mod: m, Cells: l.cells}
	for g := range 2 {
		l.into[g] = &module.In{Node: node, Gate: g, Single: true}
		end := &module.Node{Mod: &end{l, g}, Cells: module.NewCells(0)}
		node.Outs = append(node.Outs, module.Out{In: &module.In{Node: end, Single: true}})
	}
	l.feed = &module.Node{Mod: l, Cells: module.NewCells(0), Outs: make([]module.Out, 1)}
}

// Process is never called.
func (l *lane) Process(ctx *module.Context, b *packet.Batch) { ctx.DropBatch(b) }

// RunTask emits the frames.
func (l *lane) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	for _, f := range l.frames {
		p := ctx.Cache.New(f)
		p.SetFlags(l.flags)
		b.Add(p)
	}
	ctx.EmitBatch(b, 0)
	return module.Result{}
}

// end collects what leaves a gate.
type end struct {
	l    *lane
	gate int
}

func (e *end) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		e.l.got[e.gate] = append(e.l.got[e.gate], append([]byte(nil), p.Bytes()...))
	}
	ctx.FreeBatch(b)
}

// pass lets frames enter a gate and returns what leaves both.
func (l *lane) pass(t testing.TB, gate int, now uint64, frames ...[]byte) [2][][]byte {
	l.frames, l.got = frames, [2][][]byte{}
	l.feed.Outs[0].In = l.into[gate]
	if _, fault := l.ctx.RunTask(l.feed, l, 0, now); fault != nil {
		t.Fatal(fault.Value)
	}
	return l.got
}

func (r *rig) send(gate int, frames ...[]byte) [2][][]byte {
	r.t.Helper()
	r.flags = 0
	if r.partial {
		r.flags = packet.FlagPartialChecksum
	}
	return r.pass(r.t, gate, r.now, frames...)
}

// sent is a packet in short.
type sent struct {
	proto uint8
	src   string
	sport uint16
	dst   string
	dport uint16
	flags uint8 // of TCP
}

func ipOf(s string) uint32 {
	a, err := header.ParseIPv4Addr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// frame returns the packet; the ports of ICMP are its identifier.
func (s sent) frame() []byte {
	f := make([]byte, 14+20+20+6)
	header.Ethernet(f).SetType(header.TypeIPv4)
	ip := header.IPv4(f[14:])
	ip.Encode(&header.IPv4Fields{TotalLen: uint16(len(ip)), TTL: 9, Protocol: s.proto, Src: ipOf(s.src), Dst: ipOf(s.dst)})
	l4 := ip.Payload()
	switch s.proto {
	case header.ProtoTCP:
		header.TCP(l4).Encode(&header.TCPFields{SrcPort: s.sport, DstPort: s.dport, Flags: s.flags})
		header.TCP(l4).SetChecksum(header.TCP(l4).ComputeChecksum(ip.Src(), ip.Dst()))
	case header.ProtoUDP:
		u := header.UDP(l4)
		u.Encode(&header.UDPFields{SrcPort: s.sport, DstPort: s.dport, Length: uint16(len(l4))})
		sum, _ := u.ComputeChecksum(ip.Src(), ip.Dst())
		u.SetChecksum(sum)
	case header.ProtoICMP:
		id := s.sport
		if s.src == "8.8.8.8" {
			id = s.dport
		}
		header.ICMP(l4).Encode(&header.ICMPFields{Type: header.ICMPEchoRequest, ID: id})
		header.ICMP(l4).SetChecksum(header.ICMP(l4).ComputeChecksum())
	}
	return f
}

// read is the opposite of frame and checks all checksums.
func read(t testing.TB, f []byte) (s sent) {
	t.Helper()
	ip, ok := header.ParseIPv4(f, 14)
	if !ok || !ip.ChecksumOK() {
		t.Fatalf("%x: bad IPv4 header", f)
	}
	s = sent{proto: ip.Protocol(), src: header.FormatIPv4(ip.Src()), dst: header.FormatIPv4(ip.Dst())}
	l4 := ip.Payload()
	switch s.proto {
	case header.ProtoTCP:
		h := header.TCP(l4)
		s.sport, s.dport, s.flags, ok = h.SrcPort(), h.DstPort(), h.Flags(), h.ChecksumOK(ip.Src(), ip.Dst())
	case header.ProtoUDP:
		h := header.UDP(l4)
		s.sport, s.dport, ok = h.SrcPort(), h.DstPort(), h.ChecksumOK(ip.Src(), ip.Dst())
	case header.ProtoICMP:
		h := header.ICMP(l4)
		s.sport, s.dport, ok = h.ID(), h.ID(), h.ChecksumOK()
	}
	if !ok {
		t.Fatalf("%x: bad checksum", f)
	}
	return s
}

// one sends a packet that must come out on the other side.
func (r *rig) one(gate int, s sent) sent {
	r.t.Helper()
	got := r.send(gate, s.frame())
	if len(got[1-gate]) != 1 || len(got[gate]) != 0 {
		r.t.Fatalf("%v: %d packets left gate 0, %d gate 1", s, len(got[0]), len(got[1]))
	}
	return read(r.t, got[1-gate][0])
}

func (r *rig) out(s sent) sent { r.t.Helper(); return r.one(gateInside, s) }
func (r *rig) in(s sent) sent  { r.t.Helper(); return r.one(gateOutside, s) }

// dropped sends a packet that must be dropped for the reason of a counter.
func (r *rig) dropped(gate, counter int, s sent) {
	r.t.Helper()
	before := r.cells.Own[counter].Load()
	got := r.send(gate, s.frame())
	if len(got[0])+len(got[1]) != 0 || r.cells.Own[counter].Load() != before+1 {
		r.t.Fatalf("%v: %d packets came out, %s counted %d", s, len(got[0])+len(got[1]), Class.Counters[counter].Name, r.cells.Own[counter].Load()-before)
	}
}
