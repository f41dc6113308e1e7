// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"log/slog"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// rig is a FlowGen whose time the test makes: one cycle is one nanosecond.
type rig struct {
	t    testing.TB
	m    *FlowGen
	ctx  *module.Context
	node *module.Node
	now  uint64
	pool *packet.Pool
	got  [][]byte
}

// host is an engine without anything.
type host struct{ pool *packet.Pool }

func (host) DeclareAttr(d []module.Attr, a module.Attr) ([]module.Attr, error) {
	return append(d, a), nil
}
func (host) ReleaseAttrs([]module.Attr)     {}
func (host) Port(string) (*port.Port, bool) { return nil, false }
func (h host) Pool() *packet.Pool           { return h.pool }

func newRig(t testing.TB, arg *FlowGenArg) *rig {
	t.Helper()
	const buffers = 1 << 10
	pool, err := packet.NewPool(buffers)
	if err != nil {
		t.Fatal(err)
	}
	m, err := create(module.NewEnv("f", slog.New(slog.DiscardHandler), host{pool}), arg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, m: m, pool: pool, now: 5e9, ctx: module.NewContext(0, pool.NewCache(), 1e9)}
	end := &module.Node{Mod: r, Cells: module.NewCells(0)}
	r.node = &module.Node{Mod: m, Cells: module.NewCells(2), Outs: []module.Out{{In: &module.In{Node: end, Single: true}}}}
	t.Cleanup(func() {
		m.Close()
		r.ctx.Cache.Close()
		if n := pool.Available(); n != buffers {
			t.Errorf("%d packets leaked", buffers-n)
		}
		pool.Close()
	})
	return r
}

// Process keeps what the generator sends.
func (r *rig) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		r.got = append(r.got, append([]byte(nil), p.Bytes()...))
	}
	ctx.FreeBatch(b)
}

// run runs the task once.
func (r *rig) run() module.Result {
	r.t.Helper()
	res, fault := r.ctx.RunTask(r.node, r.m, 0, r.now)
	if fault != nil {
		r.t.Fatal(fault.Value)
	}
	return res
}

// until runs the task whenever it wants to, for a time in seconds, and returns
// the packets.
func (r *rig) until(seconds float64) [][]byte {
	r.t.Helper()
	end := r.now + uint64(seconds*1e9)
	r.got = nil
	for r.now <= end {
		if res := r.run(); res.Blocked {
			r.now += res.Retry
		}
	}
	return r.got
}

// seg is a packet in short.
type seg struct {
	src, dst     uint32
	sport, dport uint16
	flags        uint8
	seq          uint32
	size, total  int
}

// read checks all checksums.
func read(t testing.TB, f []byte) seg {
	t.Helper()
	ip, ok := header.ParseIPv4(f, 14)
	if !ok || ip.Truncated() || !ip.ChecksumOK() {
		t.Fatalf("%x: bad IPv4 header", f)
	}
	s := seg{src: ip.Src(), dst: ip.Dst(), size: len(f), total: ip.TotalLen()}
	s.sport, s.dport, _ = ip.Ports()
	l4 := ip.Payload()
	if ip.Protocol() == header.ProtoUDP {
		if u := header.UDP(l4); !u.ChecksumOK(s.src, s.dst) || u.Checksum() == 0 {
			t.Fatalf("%x: bad UDP checksum", f)
		}
		return s
	}
	h := header.TCP(l4)
	if !h.ChecksumOK(s.src, s.dst) {
		t.Fatalf("%x: bad TCP checksum", f)
	}
	s.flags, s.seq = h.Flags(), h.Seq()
	return s
}

// frame returns a template of size bytes.
func frame(proto uint8, size int) []byte {
	f := make([]byte, size)
	for i := range f {
		f[i] = byte(i * 7)
	}
	header.Ethernet(f).SetType(header.TypeIPv4)
	ip := header.IPv4(f[14:])
	ip.Encode(&header.IPv4Fields{TotalLen: uint16(size - 14), TTL: 64, Protocol: proto, Src: 0x0a000001, Dst: 0x0b000001})
	if proto == header.ProtoTCP {
		header.TCP(f[34:]).Encode(&header.TCPFields{SrcPort: 1000, DstPort: 2000, Ack: 77, Window: 99})
	} else {
		header.UDP(f[34:]).Encode(&header.UDPFields{SrcPort: 1000, DstPort: 2000, Length: uint16(size - 34)})
	}
	return f
}
