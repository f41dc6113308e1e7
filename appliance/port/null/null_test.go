// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package null_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/null"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func open(t *testing.T, arg *null.NullPortArg, inc, out int) (*port.Port, *packet.Cache) {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	p, err := port.Open(null.Driver, port.Config{Name: "p", NumInc: inc, NumOut: out}, arg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Device.Close()
		if n := pool.Available(); n != 1024 {
			t.Errorf("%d of 1024 buffers are free in the end", n)
		}
		pool.Close()
	})
	return p, pool.NewCache()
}

func TestPacketsWithoutEnd(t *testing.T) {
	var b packet.Batch
	for _, size := range []uint32{0, 1, 60, 1514, 2048} {
		want := int(size)
		if size == 0 {
			want = 64
		}
		p, c := open(t, &null.NullPortArg{Size: size}, 3, 2)
		c.AllocBatch(&b, 64, want)
		for _, pkt := range b.Packets() {
			pkt.Bytes()[0] = 7
		}
		c.FreeBatch(&b)
		for _, limit := range []int{64, 1, 0} {
			if n := p.Recv(2, c, &b, limit); n != limit || b.Bytes() != uint64(n*want) {
				t.Errorf("%d packets of %d bytes, want %d of %d", n, b.Bytes(), limit, want)
			}
			for _, pkt := range b.Packets() {
				if pkt.Bytes()[0] != 0 {
					t.Fatal("an old packet's bytes are visible")
				}
			}
			p.Send(1, c, &b)
		}
		inc, out := p.Stats(port.Inc), p.Stats(port.Out)
		if inc.Packets != 65 || out.Packets != 65 || out.Bytes != uint64(65*want) || out.Dropped != 0 {
			t.Errorf("%d received, %d sent", inc.Packets, out.Packets)
		}
		if p.RetryAfter(0) == 0 || p.WaitFD(0) != -1 || p.SetConf(9000, nil, true) != nil {
			t.Error("not as a port of the network")
		}
	}
}

func TestSilence(t *testing.T) {
	p, c := open(t, &null.NullPortArg{Silent: true, Uncleared: true}, 1, 1)
	var b packet.Batch
	if p.Recv(0, c, &b, 64) != 0 || p.RetryAfter(0) != 0 {
		t.Error("a silent port speaks, or is polled again and again")
	}
}

func TestNoAllocation(t *testing.T) {
	p, c := open(t, &null.NullPortArg{}, 1, 1)
	var b packet.Batch
	if n := testing.AllocsPerRun(100, func() { p.Recv(0, c, &b, 64); p.Send(0, c, &b) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
