// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package porttest_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/porttest"
)

func cache(t *testing.T) *packet.Cache {
	t.Helper()
	pool, err := packet.NewPool(256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool.NewCache()
}

func TestReceivesWhatWasOffered(t *testing.T) {
	p, d, err := porttest.New("p", 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p.Queues(port.Inc) != 2 || p.Queues(port.Out) != 0 {
		t.Fatalf("%d and %d queues", p.Queues(port.Inc), p.Queues(port.Out))
	}
	c := cache(t)
	d.Offer(1, []byte("one"), []byte("two"), []byte("three"))
	var b packet.Batch
	if n := p.Recv(0, c, &b, 64); n != 0 {
		t.Errorf("queue 0 has %d packets", n)
	}
	if n := p.Recv(1, c, &b, 2); n != 2 || string(b.At(1).Bytes()) != "two" || d.Waiting(1) != 1 {
		t.Errorf("%d packets, %d waiting", n, d.Waiting(1))
	}
	c.FreeBatch(&b)
	s := p.Stats(port.Inc)
	if s.Packets != 2 || s.Bytes != 6 || s.Actual[0] != 1 || s.Actual[2] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSendFollowsTheScript(t *testing.T) {
	p, d, err := porttest.New("p", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := cache(t)
	d.Accept(0, 2, porttest.All)
	for _, want := range []int{2, 3, 3} {
		var b packet.Batch
		for _, f := range []string{"a", "b", "c"} {
			b.Add(c.New([]byte(f)))
		}
		p.Send(0, c, &b)
		if sent := d.Sent(0); len(sent) != want || !bytes.Equal(sent[0], []byte("a")) {
			t.Errorf("sent %q, want %d", sent, want)
		}
	}
	if s := p.Stats(port.Out); s.Packets != 8 || s.Dropped != 1 || d.Calls(0) != 3 {
		t.Errorf("%+v, %d calls", s, d.Calls(0))
	}
	if c.Pool().Available() != 256 {
		t.Error("packets were not freed")
	}
	p.Device.Close()
	if d.Closed() != 1 || d.Overlaps() != 0 {
		t.Errorf("closed %d times, %d overlaps", d.Closed(), d.Overlaps())
	}
}

func TestEndless(t *testing.T) {
	p, d, err := porttest.New("p", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := cache(t)
	d.Offer(0, []byte("x"))
	d.Endless(0)
	var b packet.Batch
	for range 3 {
		if n := p.Recv(0, c, &b, 64); n != 64 {
			t.Fatalf("%d packets", n)
		}
		p.Send(0, c, &b)
	}
	if sent := d.Sent(0); sent != nil {
		t.Errorf("%d frames remembered", len(sent))
	}
}

// A packet that is several in one never reaches a device that does not know
// of such packets.
func TestLargePackets(t *testing.T) {
	p, d, err := porttest.New("p", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := packet.NewPool(64)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	var b packet.Batch
	for i := range 5 {
		pkt := c.New(make([]byte, 10+i))
		if i%2 == 1 {
			pkt.SetFlags(packet.FlagLarge)
		}
		b.Add(pkt)
	}
	d.Accept(0, 2)
	p.Send(0, c, &b)
	sent := d.Sent(0)
	if len(sent) != 2 || len(sent[0]) != 10 || len(sent[1]) != 12 || b.Len() != 0 {
		t.Errorf("%d packets sent", len(sent))
	}
	if st := p.Stats(port.Out); st.Packets != 2 || st.Bytes != 22 || st.Dropped != 3 || st.Requested[3] != 1 || st.Actual[2] != 1 {
		t.Errorf("%d packets, %d bytes, %d dropped", st.Packets, st.Bytes, st.Dropped)
	}
	if notes := strings.Join(p.Notes(), "; "); !strings.Contains(notes, "2 packets that are still to be cut were dropped: ") {
		t.Error(notes)
	}
	c.Flush()
	if n := pool.Available(); n != 64 {
		t.Errorf("%d of 64 buffers are free", n)
	}
}
