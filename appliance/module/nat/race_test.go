// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// workers returns a NAT with lanes for two workers.
func workers(t *testing.T, arg *NATArg) (*NAT, [2]*lane) {
	m, err := create(nil, arg)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := packet.NewPool(1 << 12)
	if err != nil {
		t.Fatal(err)
	}
	lanes := [2]*lane{{}, {}}
	for i, l := range lanes {
		l.init(m, pool, i)
	}
	t.Cleanup(func() {
		m.Close()
		for _, l := range lanes {
			l.ctx.Cache.Close()
		}
		if n := pool.Available(); n != 1<<12 {
			t.Errorf("%d packets leaked", 1<<12-n)
		}
		pool.Close()
	})
	return m, lanes
}

// Both directions at once, while mappings come and go, addresses change and
// somebody looks: what the inside sent comes back to the inside endpoint that
// sent it, or not at all. The original's table was not locked.
func TestBothDirectionsAtOnce(t *testing.T) {
	one := oneAddr("1.1.1.1", &NATArg_PortRange{Begin: 1024, End: 1224})
	both := &NATArg{ExtAddrs: append(oneAddr("2.2.2.2").ExtAddrs, one.ExtAddrs...)}
	m, lanes := workers(t, one)
	var now atomic.Uint64
	m.clock = func() uint32 { return uint32(now.Load()) }
	answers := make(chan []byte, 256)
	var wg sync.WaitGroup
	var stop atomic.Bool
	wg.Go(func() {
		defer close(answers)
		for i := range 4000 {
			s := sent{header.ProtoUDP, fmt.Sprintf("172.16.%d.%d", i/251%3, i%251), uint16(2000 + i%251), "8.8.8.8", 53, 0}
			if i%400 == 0 {
				now.Add(timeoutUDP / 2)
			}
			for _, f := range lanes[0].pass(t, gateInside, now.Load(), s.frame())[gateOutside] {
				ext := read(t, f)
				// The sender is in the payload's place: the destination port.
				answers <- sent{header.ProtoUDP, s.src, 0, ext.src, ext.sport, 0}.frame()
			}
		}
	})
	received := 0
	wg.Go(func() {
		defer stop.Store(true)
		for a := range answers {
			for _, f := range lanes[1].pass(t, gateOutside, now.Load(), a)[gateInside] {
				// Half the time the port belongs to somebody else by now.
				if s := read(t, f); uint16(2000+ipOf(s.dst)&255) != s.dport {
					t.Errorf("address and port of different hosts: %v", s)
				}
				received++
			}
		}
	})
	for i := 0; !stop.Load(); i++ {
		arg := one
		if i%3 == 0 {
			arg = both
		}
		if err := m.setRuntimeConfig(arg); err != nil {
			t.Error(err)
		}
		_, _ = m.getRuntimeConfig(nil)
		m.Desc()
	}
	wg.Wait()
	if received < 100 {
		t.Errorf("only %d answers came back", received)
	}
	check(t, m)
}

// Two workers that see the same new inside endpoints at once agree on their
// mappings.
func TestTwoWorkersAgree(t *testing.T) {
	m, lanes := workers(t, oneAddr("1.1.1.1"))
	var got [2][]sent
	var wg sync.WaitGroup
	for id, l := range lanes {
		wg.Go(func() {
			for i := range 2000 {
				s := sent{header.ProtoTCP, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), 5000, "8.8.8.8", 53, header.TCPSyn}
				for _, f := range l.pass(t, gateInside, 1000, s.frame())[gateOutside] {
					got[id] = append(got[id], read(t, f))
				}
			}
		})
	}
	wg.Wait()
	for i := range got[0] {
		if got[0][i] != got[1][i] {
			t.Fatalf("mapping %d: %v and %v", i, got[0][i], got[1][i])
		}
	}
	if n := lanes[0].cells.Own[countCreated].Load() + lanes[1].cells.Own[countCreated].Load(); n != 2000 {
		t.Errorf("%d mappings made for 2000 endpoints", n)
	}
	check(t, m)
}

// check verifies that all parts of the table agree.
func check(t *testing.T, m *NAT) {
	t.Helper()
	tab := m.table
	live, ports := 0, 0
	for i := range tab.fresh {
		mp := &tab.mappings[i]
		in := key(mp.in.Load())
		if in == 0 {
			continue
		}
		live++
		if f, out := tab.find(in); f != mp || uint64(out) != mp.out.Load() {
			t.Errorf("mapping %d is not found by its inside endpoint", i)
		}
		out := key(mp.out.Load())
		if s := tab.spaces[mp.space]; s.index[out.transport()][out.port()].Load() != i+1 {
			t.Errorf("mapping %d is not found by its outside endpoint", i)
		}
	}
	for _, s := range tab.spaces {
		for tr := range transports {
			for p := range allPorts {
				set := s.used[tr][p/64]>>(p%64)&1 == 1
				if set != (s.index[tr][p].Load() != 0) {
					t.Errorf("port %d: bit %v", p, set)
				}
				if set {
					ports++
				}
			}
		}
	}
	if int64(live) != tab.live.Load() || ports != live {
		t.Errorf("%d mappings, %d ports, %d counted", live, ports, tab.live.Load())
	}
}
