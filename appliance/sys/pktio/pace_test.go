// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// stamped returns a file whose packets come at the given times, ms after its
// beginning.
func stamped(t testing.TB, ng bool, ms ...int) []byte {
	t.Helper()
	var f bytes.Buffer
	begin := time.Unix(1_700_000_000, 999_000_000)
	write := func(w interface {
		WritePacket(gopacket.CaptureInfo, []byte) error
	}) {
		for i, m := range ms {
			data := frame(60, byte(i))
			ci := gopacket.CaptureInfo{Timestamp: begin.Add(time.Duration(m) * time.Millisecond), CaptureLength: 60, Length: 60}
			if err := w.WritePacket(ci, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ng {
		w, err := pcapgo.NewNgWriter(&f, layers.LinkTypeEthernet)
		if err != nil {
			t.Fatal(err)
		}
		write(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return f.Bytes()
	}
	w := pcapgo.NewWriter(&f)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	write(w)
	return f.Bytes()
}

// receiveAt receives as if so much time had passed since the first call.
func (r *Reader) receiveAt(t testing.TB, c *packet.Cache, passed time.Duration) int {
	t.Helper()
	r.pace.clock = func() time.Duration { return passed }
	var b packet.Batch
	n := r.Recv(c, &b, packet.BatchSize)
	c.FreeBatch(&b)
	return n
}

func TestRecordedPace(t *testing.T) {
	for _, ng := range []bool{false, true} {
		c := pool(t, 256)
		r, err := OpenReader(save(t, stamped(t, ng, 5, 25, 25, 65)), ReaderOptions{Loop: true, Pace: Pace{Recorded: true}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.pace.round != int64(80*time.Millisecond) {
			t.Errorf("a round takes %d ns", r.pace.round)
		}
		for _, k := range []struct {
			ms   time.Duration
			want int
		}{{0, 1}, {10, 0}, {25, 2}, {50, 0}, {65, 1}, {75, 0}, {80, 1}, {100, 2}, {170, 2}} {
			if n := r.receiveAt(t, c, k.ms*time.Millisecond); n != k.want {
				t.Fatalf("after %d ms: %d packets, want %d", k.ms, n, k.want)
			}
			if d := time.Duration(r.RetryAfter()); k.ms == 75 && d != 5*time.Millisecond {
				t.Errorf("to be asked again in %s", d)
			}
		}
		// What was missed while nobody asked does not come all at once.
		if n := r.receiveAt(t, c, time.Hour); n > 6 {
			t.Errorf("%d packets after an hour", n)
		}
	}
}

func TestFilesWithoutDuration(t *testing.T) {
	c := pool(t, 256)
	r, err := OpenReader(save(t, stamped(t, false, 5, 5)), ReaderOptions{Loop: true, Pace: Pace{Recorded: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := r.receiveAt(t, c, 0); n != 2 || r.pace.due != int64(time.Second) {
		t.Fatalf("%d packets, the next in %d ns", n, r.pace.due)
	}
}

func TestGivenPace(t *testing.T) {
	for _, k := range []struct {
		pace Pace
		text string
	}{{Pace{PPS: 1000}, ", 1000 packets per second"}, {Pace{BPS: 84 * 8 * 1000}, ", 672000 bits per second"}} {
		c := pool(t, 256)
		r, err := OpenReader(save(t, stamped(t, false, 0, 1, 2)), ReaderOptions{Loop: true, Pace: k.pace})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		total := r.receiveAt(t, c, 0)
		for ms := 10; ms <= 500; ms += 10 {
			total += r.receiveAt(t, c, time.Duration(ms)*time.Millisecond)
		}
		if total != 501 {
			t.Errorf("%+v: %d packets in half a second and the first, want 501", k.pace, total)
		}
		if n := r.receiveAt(t, c, time.Hour); n > 64 {
			t.Errorf("%d packets", n)
		}
		if s := r.Note(); !bytes.Contains([]byte(s), []byte(k.text)) {
			t.Error(s)
		}
	}
}

func TestScale(t *testing.T) {
	for _, k := range []struct {
		n, mul, div uint64
		want        int64
	}{{3, 1e9, 1000, 3e6}, {1 << 63, 1e9, 1, math.MaxInt64}, {1 << 40, 1e9, 1 << 40, 1e9}, {math.MaxUint64, 1e9, math.MaxUint64, 1e9}} {
		if got := scale(k.n, k.mul, k.div); got != k.want {
			t.Errorf("%+v: %d", k, got)
		}
	}
}

// The stamps of pcapng are of the unit that the interface tells.
func TestClocks(t *testing.T) {
	for _, k := range []struct {
		resolution uint8
		offset     int64
		stamp      uint64
		want       int64
	}{
		{6, 0, 1_700_000_000_000_001, 1_700_000_000_000_001_000},
		{9, 0, 1_700_000_000_000_000_001, 1_700_000_000_000_000_001},
		{0, 5, 7, 12e9},
		{3, 0, 1_700_000_000_001, 1_700_000_000_001_000_000},
		{12, 0, 5_000_000_007_999, 5_000_000_007},
		{28, 0, math.MaxUint64, 1},
		{29, 0, math.MaxUint64, 0},
		{127, 0, math.MaxUint64, 0},
		{0x80 | 10, 0, 1536, 15e8},
		{0x80, 0, 3, 3e9},
		{0x80 | 32, 0, 5<<32 | 1<<31, 55e8},
		{0x80 | 64, 0, 1 << 63, 5e8},
		{0x80 | 127, 0, math.MaxUint64, 0},
	} {
		if got := (ngClock{k.resolution, k.offset}).time(k.stamp); got != k.want {
			t.Errorf("%+v: %d", k, got)
		}
	}
}

// interfaceBlock returns an interface description with options.
func interfaceBlock(options ...byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, blockInterface)
	b = binary.LittleEndian.AppendUint32(b, uint32(20+len(options)))
	b = append(b, linkEthernet, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, options...)
	return binary.LittleEndian.AppendUint32(b, uint32(20+len(options)))
}

func TestOptionsOfInterfaces(t *testing.T) {
	section := make([]byte, 28)
	for i, w := range []uint32{blockSection, 28, orderMagic, 1, 0xffffffff, 0xffffffff, 28} {
		binary.LittleEndian.PutUint32(section[4*i:], w)
	}
	long := append([]byte{2, 0, 9, 0}, []byte("interface\x00\x00\x00")...)
	for _, k := range []struct {
		options []byte
		want    ngClock
		bad     bool
	}{
		{nil, ngClock{6, 0}, false},
		{append(long, 9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), ngClock{9, 1}, false},
		{[]byte{0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0}, ngClock{6, 0}, false}, // behind the end
		{[]byte{9, 0, 2, 0, 9, 0, 0, 0}, ngClock{6, 0}, false},             // of a strange length
		{[]byte{9, 0, 1, 0}, ngClock{}, true},
		{[]byte{2, 0, 255, 255}, ngClock{}, true},
	} {
		d, err := openCapture(bytes.NewReader(append(bytes.Clone(section), interfaceBlock(k.options...)...)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.next()
		if k.bad {
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte("is too short for what it holds")) {
				t.Errorf("% x: %v", k.options, err)
			}
			continue
		}
		if len(d.ng.links) != 1 || d.ng.links[0].clock != k.want {
			t.Errorf("% x: %+v, %v", k.options, d.ng.links, err)
		}
	}
}
