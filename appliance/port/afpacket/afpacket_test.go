// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package afpacket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/account"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/macswap"
	"github.com/bessform/terraform-provider-bess/appliance/module/portinc"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/afpacket"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type arg = afpacket.AFPacketPortArg

// stage is a namespace with a cable: a port opens "near", a plain socket sits
// at "far".
type stage struct {
	t   testing.TB
	ns  *testenv.Namespace
	far int
	c   *packet.Cache
	b   packet.Batch
}

func newStage(t testing.TB) *stage {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, ns: testenv.Netns(t), c: pool.NewCache()}
	t.Cleanup(func() {
		if n := pool.Available(); n != 4096 {
			t.Errorf("%d of 4096 buffers are free in the end", n)
		}
		pool.Close()
	})
	s.ns.Veth("near", "far")
	s.ns.Link("far", func(l netlink.Link) (err error) {
		all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
		if s.far, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(all)); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.far, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		return unix.Bind(s.far, &unix.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index})
	})
	t.Cleanup(func() { _ = unix.Close(s.far) })
	return s
}

func (s *stage) try(a *arg, inc, out int) (p *port.Port, err error) {
	cfg := port.Config{Name: "p0", NumInc: inc, NumOut: out, SizeInc: 64, SizeOut: 64}
	err = s.ns.Run(func() (err error) { p, err = port.Open(afpacket.Driver, cfg, a, nil); return err })
	return p, err
}

func (s *stage) open(a *arg, inc, out int) *port.Port {
	s.t.Helper()
	p, err := s.try(a, inc, out)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Device.Close)
	return p
}

// flow returns a frame of UDP over IPv4 of a flow.
func flow(id int) []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46})
	f[22], f[23] = 64, 17
	copy(f[26:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(f[34:], uint16(id))
	binary.BigEndian.PutUint16(f[38:], 26)
	return f
}

// put sends a frame from the far end.
func (s *stage) put(f []byte) {
	s.t.Helper()
	if err := unix.Send(s.far, f, 0); err != nil {
		s.t.Fatal(err)
	}
}

// count takes what arrived at the far end.
func (s *stage) count() (n int) {
	buf := make([]byte, 2048)
	for {
		if _, _, err := unix.Recvfrom(s.far, buf, 0); err != nil {
			return n
		}
		n++
	}
}

func TestErrors(t *testing.T) {
	s := newStage(t)
	for _, k := range []struct {
		a    *arg
		code int
		text string
	}{
		{&arg{Interface: "nosuch"}, errno.ENODEV, `interface "nosuch": does not exist`},
		{&arg{Interface: "near", Fanout: "best"}, errno.EINVAL, `fanout: "best": must be hash`},
	} {
		if _, err := s.try(k.a, 1, 1); errno.Code(err) != k.code || !strings.Contains(err.Error(), k.text) {
			t.Errorf("%v: %v", k.a, err)
		}
	}
	s.open(&arg{Interface: "near"}, 1, 1)
	for _, a := range []*arg{{Interface: "near"}, {Interface: "near", Shared: true}} {
		if _, err := s.try(a, 1, 1); errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), `interface "near": is in use by port p0`) {
			t.Error(err)
		}
	}
}

func TestSharedInterface(t *testing.T) {
	s := newStage(t)
	a, b := s.open(&arg{Interface: "near", Shared: true}, 1, 1), s.open(&arg{Interface: "near", Shared: true}, 1, 1)
	s.put(flow(1))
	for _, p := range []*port.Port{a, b} {
		testenv.Eventually(t, "both get the frame", func() bool { return p.Recv(0, s.c, &s.b, 64) == 1 })
		s.c.FreeBatch(&s.b)
	}
}

func TestWithoutTheRights(t *testing.T) {
	s := newStage(t)
	err := s.ns.Run(func() error {
		// The thread ends with the test.
		hdr, data := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
		if err := unix.Capget(&hdr, &data[0]); err != nil {
			return err
		}
		data[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&hdr, &data[0]); err != nil {
			return err
		}
		_, err := port.Open(afpacket.Driver, port.Config{Name: "p0", NumInc: 1, NumOut: 1, SizeInc: 64}, &arg{Interface: "near"}, nil)
		return err
	})
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "needs the capability CAP_NET_RAW") {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	s := newStage(t)
	s.ns.Up("near", false)
	keep := s.open(&arg{Interface: "near", KeepState: true}, 2, 2)
	if n := strings.Join(keep.Device.(port.Noter).Notes(), "; "); !strings.Contains(n, "is down") || keep.Link().Up {
		t.Error(n)
	}
	keep.Device.Close()
	p, err := s.try(&arg{Interface: "near", Ring: "blocks", QdiscBypass: true, LargePackets: true}, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if p.Queues(port.Inc) != 2 || p.Queues(port.Out) != 3 || p.Config().MTU != 1500 || p.RetryAfter(0) != 0 || p.WaitFD(1) < 0 {
		t.Errorf("%+v", p.Config())
	}
	testenv.Eventually(t, "the link is up", func() bool { return p.Link().Up })
	if err := p.SetConf(9000, []byte{2, 0, 0, 0, 0, 7}, true); err != nil {
		t.Fatal(err)
	}
	s.put(flow(1))
	testenv.Eventually(t, "the frame arrives", func() bool { return p.Recv(0, s.c, &s.b, 64)+p.Recv(1, s.c, &s.b, 64) == 1 })
	p.Send(2, s.c, &s.b)
	testenv.Eventually(t, "the frame comes back", func() bool { return s.count() == 1 })
	p.Device.Close()
	s.ns.Link("near", func(l netlink.Link) error {
		if a := l.Attrs(); a.MTU != 1500 || bytes.Equal(a.HardwareAddr, []byte{2, 0, 0, 0, 0, 7}) || a.Flags&unix.IFF_UP != 0 {
			t.Errorf("left as %+v", a)
		}
		return nil
	})
}

func TestDropsOfTheKernel(t *testing.T) {
	s := newStage(t)
	p := s.open(&arg{Interface: "near"}, 1, 1)
	for range 100 {
		s.put(flow(1))
	}
	testenv.Eventually(t, "all are accounted for", func() bool {
		p.Recv(0, s.c, &s.b, 64)
		s.c.FreeBatch(&s.b)
		st := p.Stats(port.Inc)
		return st.Packets == 74 && st.Dropped == 26
	})
}

// What others change, and what an interface that comes again has, is what the
// port shows.
func TestPresentSettings(t *testing.T) {
	s := newStage(t)
	p := s.open(&arg{Interface: "near"}, 1, 1)
	near := func() (text string) {
		s.ns.Link("near", func(l netlink.Link) error {
			text = fmt.Sprint(l.Attrs().MTU, " ", l.Attrs().HardwareAddr)
			return nil
		})
		return text
	}
	shown := func() string { c := p.Present(); return fmt.Sprint(c.MTU, " ", c.MAC) }
	first := shown()
	s.ns.Link("near", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1400) })
	if shown() != near() || shown() == first {
		t.Errorf("shown %s, has %s", shown(), near())
	}
	s.ns.Delete("near")
	if shown() != first {
		t.Errorf("gone: shown %s, want %s", shown(), first)
	}
	s.ns.Veth("near", "far")
	testenv.Eventually(t, "the new interface is shown", func() bool { return shown() == near() })
}

// Bytes are those of the packets that went, also when others before them were
// refused for what they are.
func TestBytesOfRefusedPackets(t *testing.T) {
	s := newStage(t)
	p := s.open(&arg{Interface: "near"}, 1, 1)
	for _, n := range []int{4000, 60, 5000, 100} {
		pkt := s.c.New(append(flow(1)[:14:14], make([]byte, n-14)...))
		if pkt == 0 {
			t.Fatal("no buffer")
		}
		s.b.Add(pkt)
	}
	p.Send(0, s.c, &s.b)
	if st := p.Stats(port.Out); st.Packets != 2 || st.Dropped != 2 || st.Bytes != 160 {
		t.Errorf("%d packets of %d bytes, %d dropped", st.Packets, st.Bytes, st.Dropped)
	}
}

func TestNoAllocation(t *testing.T) {
	for _, ring := range []string{"frames", "blocks"} {
		s := newStage(t)
		p := s.open(&arg{Interface: "near", Ring: ring}, 2, 2)
		f := flow(1)
		q := 0
		s.put(f)
		testenv.Eventually(t, "the flow's queue is known", func() bool {
			q = 1 - q
			return p.Recv(q, s.c, &s.b, 64) > 0
		})
		s.c.FreeBatch(&s.b)
		if n := testing.AllocsPerRun(100, func() {
			_ = unix.Send(s.far, f, 0) // once: the address it passes on
			for p.Recv(q, s.c, &s.b, 64) == 0 {
				p.WaitFD(q)
			}
			p.Send(q, s.c, &s.b)
		}); n > 1 {
			t.Fatalf("%s: %v allocations", ring, n)
		}
	}
}

// Two workers share a port: each has an incoming queue and an outgoing one of
// its own, and the load of each can be seen.
func TestTwoWorkers(t *testing.T) {
	s := newStage(t)
	cat := declare.Catalog{Classes: []*module.Class{portinc.Class, portout.Class, macswap.Class}, Drivers: []*port.Driver{afpacket.Driver}}
	e, err := engine.New(engine.Options{Classes: cat.Classes, Drivers: cat.Drivers, Buffers: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	pipeline, found := declare.Validate([]declare.Document{{Name: "p.yaml", Text: []byte(`apiVersion: bess.dev/v1
kind: Pipeline
spec:
  workers: {0: {core: 0}, 1: {core: 1}}
  ports:
    p: {driver: AFPacketPort, args: {interface: near}, numIncQ: 2, numOutQ: 2}
  modules:
    in: {class: PortInc, args: {port: p}}
    swap: {class: MACSwap}
    out: {class: PortOut, args: {port: p}}
  links: [in -> swap -> out]
`)}}, cat)
	if declare.HasErrors(found) {
		t.Fatal(declare.Text(found))
	}
	s.ns.Do(func() error { _, err := declare.Apply(e, pipeline, cat, 0); return err })
	// Flow 0 is most of the traffic.
	const frames = 2000
	back := 0
	for i := range frames {
		s.put(flow(i % 10 / 9 * i % 50))
		if i%50 == 49 {
			testenv.Eventually(t, "the frames come back", func() bool { back += s.count(); return back == i+1 })
		}
	}
	p := e.Port("p")
	// The workers count what they have sent a moment after it arrived.
	testenv.Eventually(t, "all is counted", func() bool {
		inc, out := p.Stats(port.Inc), p.Stats(port.Out)
		return inc.Packets == frames && out.Packets == frames && inc.Dropped == 0 && out.Dropped == 0
	})
	notes := strings.Join(p.Notes(), "\n")
	sum := 0
	for _, line := range strings.Split(notes, "\n") {
		var q, n, lost int
		if _, err := fmt.Sscanf(line, "interface near, incoming queue %d: %d packets, %d dropped", &q, &n, &lost); err == nil {
			sum += n
			if n == 0 || n > frames*99/100 {
				t.Errorf("not shared: %s", notes)
			}
		}
	}
	if sum != frames || strings.Count(notes, "outgoing queue 1: ") != 1 {
		t.Error(notes)
	}
}

// What the kernel does not take, or drops of a batch, counts as dropped.
func TestAccountsForEveryPacket(t *testing.T) {
	for _, bursts := range []string{"on", "off"} {
		t.Run("bursts "+bursts, func(t *testing.T) {
			s := newStage(t)
			p, err := s.try(&arg{Interface: "near", Bursts: bursts}, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Device.Close()
			(&account.Account{T: t, Namespace: s.ns, Port: p, Near: "near", Far: "far", Cache: s.c, Slow: true}).Check()
		})
	}
}

// Without the rights for it packets are sent one by one; who insists on more is
// told what is missing.
func TestBurstsWithoutTheRights(t *testing.T) {
	s := newStage(t)
	for name, capability := range map[string]int{"CAP_BPF": unix.CAP_BPF, "CAP_NET_ADMIN": unix.CAP_NET_ADMIN} {
		open := func(how string) (notes []string, err error) {
			err = s.ns.Run(func() error {
				return testenv.Without(func() error {
					p, err := port.Open(afpacket.Driver, port.Config{Name: "p0", NumInc: 1, NumOut: 1, SizeInc: 64}, &arg{Interface: "near", Bursts: how}, nil)
					if err == nil {
						notes = p.Notes()
						p.Device.Close()
					}
					return err
				}, capability, unix.CAP_SYS_ADMIN)
			})
			return notes, err
		}
		if notes, err := open("auto"); err != nil || !strings.Contains(strings.Join(notes, "\n"), "the daemon lacks "+name) {
			t.Errorf("without %s: %v, %q", name, err, notes)
		}
		if _, err := open("on"); errno.Code(err) != errno.EPERM || !strings.HasSuffix(fmt.Sprint(err), "the daemon lacks "+name) {
			t.Errorf("without %s: errno %d: %v", name, errno.Code(err), err)
		}
	}
}
