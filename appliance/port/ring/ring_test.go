// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ring_test

import (
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/ring"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func try(name, r string, inc, out int) (*port.Port, error) {
	return port.Open(ring.Driver, port.Config{Name: name, NumInc: inc, NumOut: out, SizeInc: 100}, &ring.RingPortArg{Ring: r}, nil)
}

func open(t *testing.T, name, r string, inc, out int) *port.Port {
	t.Helper()
	p, err := try(name, r, inc, out)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func worker(t *testing.T) *packet.Cache {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := pool.Available(); n != 1024 {
			t.Errorf("%d of 1024 buffers are free in the end", n)
		}
		pool.Close()
	})
	return pool.NewCache()
}

func TestTwoPorts(t *testing.T) {
	c := worker(t)
	var b packet.Batch
	send := func(p *port.Port, q, n int) { c.AllocBatch(&b, n, 60); p.Send(q, c, &b) }
	recv := func(p *port.Port, q int) int {
		n := p.Recv(q, c, &b, 64)
		c.FreeBatch(&b)
		return n
	}
	east := open(t, "east", "r", 2, 1)
	if cfg := east.Config(); cfg.SizeInc != 128 || cfg.MTU != 1500 {
		t.Errorf("%+v", cfg)
	}
	send(east, 0, 3)
	if st := east.Stats(port.Out); st.Dropped != 3 || st.Packets != 0 || east.Link().Up {
		t.Errorf("%+v", st)
	}
	west := open(t, "west", "r", 1, 2)
	send(east, 0, 10)
	send(west, 0, 4)
	send(west, 1, 5)
	if a, b, c := recv(west, 0), recv(east, 0), recv(east, 1); a != 10 || b != 4 || c != 5 {
		t.Error(a, b, c)
	}
	if st := west.Stats(port.Inc); st.Packets != 10 || st.Bytes != 600 || !east.Link().Up {
		t.Errorf("%+v", st)
	}
	_, err := try("third", "r", 1, 1)
	if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), `ring: "r": ring "r" joins port east and port west already`) {
		t.Error(err)
	}
	for range 3 {
		send(east, 0, 64)
	}
	if st := east.Stats(port.Out); st.Dropped != 3+65 {
		t.Errorf("%d dropped, want what found 127 places taken", st.Dropped)
	}
	if n := strings.Join(east.Device.(port.Noter).Notes(), ""); n != "ring r: the other end is port west" {
		t.Error(n)
	}
	west.Device.Close()
	east.Device.Close()
}

func TestLoop(t *testing.T) {
	c := worker(t)
	p := open(t, "p", "", 1, 3)
	defer p.Device.Close()
	var b packet.Batch
	for q := range 3 {
		c.AllocBatch(&b, 2, 60)
		p.Send(q, c, &b)
	}
	if n := p.Recv(0, c, &b, 64); n != 6 || !p.Link().Up || p.RetryAfter(0) != 0 || p.WaitFD(0) < 0 {
		t.Error(n)
	}
	c.FreeBatch(&b)
}
