// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package burst_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// cable is a pair of interfaces in a namespace of its own: a Sender sends out of
// "near", at "far" sits a plain socket.
type cable struct {
	t   testing.TB
	ns  *testenv.Namespace
	s   *burst.Sender
	far int
	c   *packet.Cache
}

func connect(t testing.TB) *cable {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	k := &cable{t: t, ns: testenv.Netns(t), c: pool.NewCache()}
	k.ns.Veth("near", "far")
	k.ns.Link("near", func(l netlink.Link) (err error) { k.s, err = burst.Open(l); return err })
	t.Cleanup(k.s.Close)
	k.listen()
	t.Cleanup(func() { _ = unix.Close(k.far) })
	return k
}

func (k *cable) listen() {
	k.t.Helper()
	k.ns.Link("far", func(l netlink.Link) (err error) {
		all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
		if k.far, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		if err = unix.SetsockoptInt(k.far, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		return unix.Bind(k.far, &unix.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index})
	})
}

// send sends frames, each in packets of up to so many segments, and returns how
// many went.
func (k *cable) send(segments int, most int, frames ...[]byte) (n int) {
	k.t.Helper()
	b := k.batch(segments, frames...)
	k.ns.Do(func() error { n, _ = k.s.Send(k.c, b.Packets(), most); return nil })
	k.c.FreeBatch(b)
	return n
}

func (k *cable) batch(segments int, frames ...[]byte) *packet.Batch {
	k.t.Helper()
	b := &packet.Batch{}
	for _, f := range frames {
		var first packet.Packet
		part := (len(f) + segments - 1) / segments
		for len(f) > 0 {
			n := min(part, len(f))
			p := k.c.New(f[:n])
			if p == 0 {
				k.t.Fatal("no buffer")
			}
			if first == 0 {
				first = p
			} else {
				first.Chain(p)
			}
			f = f[n:]
		}
		b.Add(first)
	}
	return b
}

// arrive fails the test unless just these frames come to the far end, in order.
func (k *cable) arrive(want ...[]byte) {
	k.t.Helper()
	buf := make([]byte, 1<<16)
	for i, w := range want {
		n := 0
		testenv.Eventually(k.t, fmt.Sprintf("frame %d of %d arrives", i, len(want)), func() (ok bool) {
			var err error
			n, err = unix.Read(k.far, buf)
			return err == nil
		})
		if !bytes.Equal(buf[:n], w) {
			k.t.Fatalf("frame %d:\n%x, want\n%x", i, buf[:n], w)
		}
	}
	if n, err := unix.Read(k.far, buf); err != unix.EAGAIN {
		k.t.Fatalf("a frame too many: %x (%v)", buf[:max(n, 0)], err)
	}
}

func frames(count int, size func(i int) int) (all [][]byte) {
	for i := range count {
		f := make([]byte, size(i))
		for j := range f {
			f[j] = byte(j*7 + i)
		}
		// Types of Ethernet take turns: the kernel knows that of the first only.
		if kind := i % 4; kind < 3 || len(f) >= 60 { // a tag must be whole
			copy(f[12:14], []string{"\x88\xb5", "\x08\x00", "\x86\xdd", "\x81\x00"}[kind])
		}
		f[0] &^= 1
		all = append(all, f)
	}
	return all
}

func always(n int) func(int) int { return func(int) int { return n } }

// Frames of all lengths arrive as they are, in order, longer ones before shorter
// ones and the other way round.
func TestSend(t *testing.T) {
	k := connect(t)
	lengths := []int{60, 1514, 14, 61, 600, 15, 1513, 64}
	for _, all := range [][][]byte{
		frames(64, always(60)),
		frames(burst.Least, always(1514)),
		frames(64, func(i int) int { return lengths[i%len(lengths)] }),
		frames(64, func(i int) int { return 14 + 20*i }),
		frames(64, func(i int) int { return 1400 - 20*i }),
	} {
		for _, segments := range []int{1, 3} {
			if n := k.send(segments, 1514, all...); n != len(all) {
				t.Fatalf("%d of %d sent", n, len(all))
			}
			k.arrive(untag(all)...)
		}
	}
}

// untag returns frames as a packet socket reads them: without a tag, which is
// told beside them.
func untag(all [][]byte) (read [][]byte) {
	for _, f := range all {
		if len(f) >= 18 && f[12] == 0x81 && f[13] == 0 {
			f = append(bytes.Clone(f[:12]), f[16:]...)
		}
		read = append(read, f)
	}
	return read
}

// What cannot be sent so ends the burst; what comes before it goes.
func TestStops(t *testing.T) {
	k := connect(t)
	for name, bad := range map[string][]byte{
		"too short": frames(1, always(20))[0][:13], "too long for the interface": frames(1, always(1515))[0],
		"too long": frames(1, always(burst.MaxLen+1))[0],
	} {
		most := 1514
		if name == "too long" {
			most = 9000
		}
		all := frames(20, always(60))
		all[10] = bad
		if n := k.send(1, most, all...); n != 10 {
			t.Errorf("%s: %d sent", name, n)
		}
		k.arrive(untag(all[:10])...)
		all[burst.Least-1] = bad
		if n := k.send(1, most, all...); n != 0 {
			t.Errorf("%s, at the beginning: %d sent", name, n)
		}
	}
	b := k.batch(1, frames(20, always(60))...)
	p := b.Packets()[12]
	p.SetFlags(p.Flags() | packet.FlagLarge)
	k.ns.Do(func() error {
		if n, _ := k.s.Send(k.c, b.Packets(), 1514); n != 12 {
			t.Errorf("to be cut by hardware: %d sent", n)
		}
		return nil
	})
	k.c.FreeBatch(b)
	if n := k.send(1, 1514, frames(burst.Least-1, always(60))...); n != 0 {
		t.Errorf("%d of too few sent", n)
	}
	if n, _ := (*burst.Sender)(nil).Send(k.c, nil, 1514); n != 0 {
		t.Errorf("%d sent by nobody", n)
	}
}

// An interface that is down takes nothing, and again what comes when it is up.
func TestDown(t *testing.T) {
	k := connect(t)
	all := frames(20, always(60))
	for range 3 {
		k.ns.Up("near", false)
		if n := k.send(1, 1514, all...); n != 0 {
			t.Fatalf("%d sent while down", n)
		}
		k.ns.Up("near", true)
		if n := k.send(1, 1514, all...); n != len(all) {
			t.Fatalf("%d sent", n)
		}
		k.arrive(untag(all)...)
	}
}

// The Sender follows an interface that comes again, and leads nowhere between.
func TestLead(t *testing.T) {
	k := connect(t)
	all := frames(20, always(60))
	k.ns.Delete("near")
	if n := k.send(1, 1514, all...); n != 0 {
		t.Fatalf("%d sent out of nothing", n)
	}
	k.s.Lead(0)
	if n := k.send(1, 1514, all...); n != 0 {
		t.Fatalf("%d sent out of nothing", n)
	}
	_ = unix.Close(k.far)
	k.ns.Veth("near", "far")
	k.listen()
	k.ns.Link("near", func(l netlink.Link) error { k.s.Lead(l.Attrs().Index); return nil })
	if n := k.send(1, 1514, all...); n != len(all) {
		t.Fatalf("%d sent", n)
	}
	k.arrive(untag(all)...)
}

// A worker in another namespace, where the same index is another interface,
// sends nothing.
func TestOtherNamespace(t *testing.T) {
	k, other := connect(t), connect(t)
	b := k.batch(1, frames(20, always(60))...)
	other.ns.Do(func() error {
		if n, _ := k.s.Send(k.c, b.Packets(), 1514); n != 0 {
			t.Errorf("%d sent", n)
		}
		return nil
	})
	k.c.FreeBatch(b)
	k.arrive()
	other.arrive()
}

func TestUsable(t *testing.T) {
	ns := testenv.Netns(t)
	add := func(l netlink.Link) { ns.Do(func() error { return netlink.LinkAdd(l) }) }
	attrs := func(name string, queues int) netlink.LinkAttrs {
		a := netlink.NewLinkAttrs()
		a.Name, a.NumRxQueues, a.NumTxQueues = name, queues, queues
		return a
	}
	add(&netlink.Veth{LinkAttrs: attrs("one", 1), PeerName: "a"})
	add(&netlink.Veth{LinkAttrs: attrs("four", 4), PeerName: "b", PeerNumRxQueues: 4, PeerNumTxQueues: 4})
	add(&netlink.Veth{LinkAttrs: attrs("shaped", 1), PeerName: "c"})
	add(&netlink.Bridge{LinkAttrs: attrs("bridge", 1)})
	ns.Link("shaped", func(l netlink.Link) error {
		return netlink.QdiscAdd(netlink.NewHtb(netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}))
	})
	for name, want := range map[string]string{
		"one": "", "a": "", "four": "the interface has 4 queues to send through",
		"shaped": "the interface has the queueing discipline htb", "bridge": "the interface is none of a veth pair",
	} {
		ns.Link(name, func(l netlink.Link) error {
			err := burst.Usable(l)
			if want == "" && err != nil || want != "" && (errno.Code(err) != errno.ENOTSUP || err.Error() != want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
			for how, fails := range map[choice.Choice]bool{choice.Auto: false, choice.On: want != "", choice.Off: false} {
				b := burst.New(how, 2)
				note := "batches are sent at once"
				switch {
				case how == choice.Off:
					note = ""
				case want != "":
					note = "batches are not sent at once: " + want
				}
				if err := b.Take(l, ""); (err != nil) != fails || b.Note() != note || (b.Of(1) != nil) != (how != choice.Off && want == "") {
					t.Errorf("%s, %d: %v, %q", name, how, err, b.Note())
				}
				if err := b.Take(l, "not wanted"); how == choice.Auto && (err != nil || b.Note() != "batches are not sent at once: not wanted") {
					t.Errorf("%s: %v, %q", name, err, b.Note())
				}
				b.Close()
			}
			return nil
		})
	}
}

// The capabilities that the documentation names are enough: those of root include
// CAP_PERFMON, with which the kernel takes programs that it refuses without.
func TestCapabilities(t *testing.T) {
	k := connect(t)
	for _, c := range []struct {
		caps  []int
		code  int
		lacks string
	}{
		{[]int{unix.CAP_BPF, unix.CAP_NET_ADMIN}, 0, ""},
		{[]int{unix.CAP_BPF}, errno.EPERM, "CAP_NET_ADMIN"},
		{[]int{unix.CAP_NET_ADMIN}, errno.EPERM, "CAP_BPF"},
	} {
		k.ns.Link("near", func(l netlink.Link) error {
			all, err := effective(c.caps)
			if err != nil {
				return err
			}
			b := burst.New(choice.On, 1)
			err = b.Take(l, "")
			b.Close()
			if errno.Code(err) != c.code || err != nil && !strings.HasSuffix(err.Error(), "the daemon lacks "+c.lacks) {
				t.Errorf("with %v: %v", c.caps, err)
			}
			return unix.Capset(&capHeader, &all[0])
		})
	}
}

var capHeader = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}

// effective has no other capabilities in effect for the calling thread, and
// returns those that were.
func effective(caps []int) (all [2]unix.CapUserData, err error) {
	if err := unix.Capget(&capHeader, &all[0]); err != nil {
		return all, err
	}
	some := all
	for i := range some {
		some[i].Effective = 0
	}
	for _, c := range caps {
		some[c/32].Effective |= 1 << (c % 32)
	}
	return all, unix.Capset(&capHeader, &some[0])
}

func TestDoesNotAllocate(t *testing.T) {
	k := connect(t)
	b := k.batch(1, frames(64, always(60))...)
	defer k.c.FreeBatch(b)
	k.ns.Do(func() error {
		if n := testing.AllocsPerRun(100, func() { k.s.Send(k.c, b.Packets(), 1514) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		return nil
	})
}

// BenchmarkSend is what sending so many frames costs, with nobody but the
// kernel's stack at the far end. Compare with that of package pktio, which has
// the sockets beside it.
func BenchmarkSend(b *testing.B) {
	for _, n := range []int{8, 16, 32, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := connect(b)
			_ = unix.Close(k.far) // nobody listens
			k.far = -1
			batch := k.batch(1, frames(n, always(60))...)
			defer k.c.FreeBatch(batch)
			k.ns.Do(func() error {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				for b.Loop() {
					k.s.Send(k.c, batch.Packets(), 1514)
				}
				return nil
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/packet")
		})
	}
}

// What the interface drops ends the burst, and is told so that nobody sends it
// again; without a link nothing is tried. The interface counts it once.
func TestTellsHowItEnds(t *testing.T) {
	k := connect(t)
	k.ns.Link("far", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1000) })
	all := frames(20, always(60))
	all[10] = frames(1, always(1400))[0]
	b := k.batch(1, all...)
	defer k.c.FreeBatch(b)
	send := func() (n int, end burst.End) {
		k.ns.Do(func() error { n, end = k.s.Send(k.c, b.Packets(), 1514); return nil })
		return n, end
	}
	dropped := func() (n uint64) {
		k.ns.Link("near", func(l netlink.Link) error { n = l.Attrs().Statistics.TxDropped; return nil })
		return n
	}
	before := dropped()
	if n, end := send(); n != 10 || end != burst.Dropped {
		t.Errorf("%d sent, %d", n, end)
	}
	if n := k.s.Bytes(10); n != 600 {
		t.Errorf("%d bytes sent", n)
	}
	if n := dropped() - before; n != 1 {
		t.Errorf("the interface dropped %d", n)
	}
	k.arrive(untag(all[:10])...)
	k.ns.Up("far", false)
	testenv.Eventually(t, "the kernel notices that there is no link", func() bool {
		n, end := send()
		return n == 0 && end == burst.NoLink
	})
}
