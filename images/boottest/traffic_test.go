// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// window is how many frames may be on their way: less than any queue holds.
const window = 32

// rewritten returns a frame as the module rewrite leaves it.
func rewritten(f []byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 0x77}, f[6:]...)
}

// exchange sends frames in windows and compares what arrives. Every list of
// want is one flow: within it frames must come in order; between flows the
// order is open.
func exchange(t *testing.T, from, to *wire, send [][]byte, flowOf func(i int) (flow int, want []byte)) {
	t.Helper()
	for first := 0; first < len(send); first += window {
		expected, left := map[int][][]byte{}, 0
		for i := first; i < min(first+window, len(send)); i++ {
			if flow, want := flowOf(i); want != nil {
				expected[flow] = append(expected[flow], want)
				left++
			}
			if err := from.send(send[i]); err != nil {
				t.Fatalf("frame %d: %v", i, err)
			}
		}
		for ; left > 0; left-- {
			got, err := to.receive(patience)
			if err != nil || got == nil {
				t.Fatalf("%d of the frames %d… did not arrive: %v", left, first, err)
			}
			if !take(expected, got) {
				t.Fatalf("frame %d arrived changed or out of order, or should not have arrived:\n% x", numberOf(got), got)
			}
		}
	}
}

// take removes a frame from the front of its flow.
func take(expected map[int][][]byte, got []byte) bool {
	for flow, list := range expected {
		if len(list) > 0 && bytes.Equal(list[0], got) {
			expected[flow] = list[1:]
			return true
		}
	}
	return false
}

// quiet fails the test if a frame arrives that nobody waits for. Frames pass
// a wire in order, so that it sends one behind which there can be no other.
func (b *box) quiet(from, to *wire) {
	b.t.Helper()
	last := frame(1<<31, plain)
	exchange(b.t, from, to, [][]byte{last}, func(int) (int, []byte) { return 0, last })
}

// counters are what the box has counted.
type counters struct {
	dropped, passed    uint64 // by the rules of fw
	leftIn, leftOut    uint64
	rightIn, rightOut  uint64
	leftLost, outLost  uint64
	leftInB, rightOutB uint64 // bytes
}

func (b *box) counters() (c counters) {
	b.t.Helper()
	m, err := declarepb.NewPipelinesClient(b.conn).ModuleCounters(b.ctx, &declarepb.ModuleCountersRequest{Name: "fw"})
	if err != nil || len(m.GetRulePackets()) != 2 {
		b.t.Fatal(m, err)
	}
	c.dropped, c.passed = m.GetRulePackets()[0], m.GetRulePackets()[1]
	port := func(name string) *api.GetPortStatsResponse {
		r, err := api.NewBESSControlClient(b.conn).GetPortStats(b.ctx, &api.GetPortStatsRequest{Name: name})
		if err != nil || r.GetError() != nil {
			b.t.Fatal(r, err)
		}
		return r
	}
	l, r := port("left"), port("right")
	c.leftIn, c.leftOut, c.rightIn, c.rightOut = l.GetInc().GetPackets(), l.GetOut().GetPackets(), r.GetInc().GetPackets(), r.GetOut().GetPackets()
	c.leftInB, c.rightOutB = l.GetInc().GetBytes(), r.GetOut().GetBytes()
	c.leftLost = l.GetInc().GetDropped() + r.GetInc().GetDropped()
	c.outLost = l.GetOut().GetDropped() + r.GetOut().GetDropped()
	return c
}

// traffic sends a thousand known frames each way.
func (b *box) traffic() {
	const count = 1000
	var there, back [][]byte
	var want counters
	for i := range uint32(count) {
		port := uint16(plain)
		switch i % 10 {
		case 3:
			port = dropped
		case 7:
			port = marked
		}
		f := frame(i, port)
		there, back = append(there, f), append(back, frame(i+count, port))
		want.leftIn++
		want.leftInB += uint64(len(f))
		if port == dropped {
			want.dropped++
			continue
		}
		want.passed++
		want.rightOut++
		want.rightOutB += uint64(len(f))
	}
	want.rightIn, want.leftOut = count, count
	before := b.counters()
	exchange(b.t, b.left, b.right, there, func(i int) (int, []byte) {
		switch i % 10 {
		case 3:
			return 0, nil
		case 7:
			return 1, rewritten(there[i])
		}
		return 0, there[i]
	})
	exchange(b.t, b.right, b.left, back, func(i int) (int, []byte) { return 0, back[i] })
	got := b.counters()
	if fmt.Sprint(got.since(before)) != fmt.Sprint(want) {
		b.t.Errorf("counted %+v, want %+v", got.since(before), want)
	}
	b.quiet(b.left, b.right)
	b.t.Logf("%d frames each way: %d dropped by the access list, %d rewritten, the rest identical; counters exact", count, want.dropped, count/10)
}

// since returns what was counted after o.
func (c counters) since(o counters) counters {
	return counters{
		c.dropped - o.dropped, c.passed - o.passed, c.leftIn - o.leftIn, c.leftOut - o.leftOut, c.rightIn - o.rightIn, c.rightOut - o.rightOut,
		c.leftLost - o.leftLost, c.outLost - o.outLost, c.leftInB - o.leftInB, c.rightOutB - o.rightOutB,
	}
}
