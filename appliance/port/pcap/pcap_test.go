// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pcap_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/pcap"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const realCapture = "../../../examples/acl/traffic.pcap"

func try(dev string) (*port.Port, error) {
	cfg := port.Config{Name: "p0", NumInc: 1, NumOut: 1, SizeInc: 1024, SizeOut: 1024}
	return port.Open(pcap.Driver, cfg, &pcap.PCAPPortArg{Dev: dev}, nil)
}

// cable are two ports at the ends of a cable in a namespace of its own.
type cable struct {
	t    testing.TB
	ns   *testenv.Namespace
	a, b *port.Port
	pool *packet.Pool
	c    *packet.Cache
	buf  packet.Batch
}

func newPool(t testing.TB) *packet.Pool {
	t.Helper()
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := pool.Available(); n != 4096 {
			t.Errorf("%d of 4096 buffers are free in the end", n)
		}
		pool.Close()
	})
	return pool
}

func connect(t testing.TB) *cable {
	t.Helper()
	testenv.NoLeaks(t)
	k := &cable{t: t, ns: testenv.Netns(t), pool: newPool(t)}
	k.c = k.pool.NewCache()
	k.ns.Veth("a", "b")
	k.ns.Do(func() (err error) {
		if k.a, err = try("a"); err == nil {
			k.b, err = try("b")
		}
		return err
	})
	t.Cleanup(func() { k.a.Device.Close(); k.b.Device.Close() })
	return k
}

// frame returns an Ethernet frame of n bytes of a protocol nobody speaks.
func frame(n int, seed byte) []byte {
	f := make([]byte, n)
	for i := range f {
		f[i] = byte(i*7) ^ seed
	}
	copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
	return f
}

func (k *cable) send(p *port.Port, frames ...[]byte) {
	k.t.Helper()
	k.buf.Clear()
	for _, f := range frames {
		k.buf.Add(k.c.New(f))
	}
	p.Send(0, k.c, &k.buf)
}

func (k *cable) recv(p *port.Port, n int) [][]byte {
	k.t.Helper()
	var all [][]byte
	testenv.Eventually(k.t, "packets are received", func() bool {
		k.buf.Clear()
		p.Recv(0, k.c, &k.buf, packet.BatchSize)
		for _, pkt := range k.buf.Packets() {
			data := make([]byte, pkt.TotalLen())
			pkt.CopyOut(data)
			all = append(all, data)
		}
		k.c.FreeBatch(&k.buf)
		return len(all) >= n
	})
	return all
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.pcap")
	if err := os.WriteFile(broken, []byte("\xd4\xc3\xb2\xa1 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dev, text := range map[string]string{
		"":                      "must name a network interface",
		"nosuchif0":             "nosuchif0",
		"a/b":                   "a/b",
		strings.Repeat("x", 99): "xxx",
		dir + "/none.pcap":      "no such file",
		broken:                  broken + ": offset 0: the file ends within the file header",
	} {
		t.Run(dev, func(t *testing.T) {
			testenv.NoLeaks(t)
			p, err := try(dev)
			if err == nil {
				p.Device.Close()
				t.Fatal("succeeded")
			}
			if errno.Code(err) != errno.EINVAL || !strings.HasPrefix(err.Error(), "Error initializing device.") ||
				!strings.Contains(err.Error(), text) {
				t.Fatalf("errno %d: %v", errno.Code(err), err)
			}
		})
	}
}

func TestTrafficAndStatistics(t *testing.T) {
	k := connect(t)
	want := [][]byte{frame(60, 1), frame(1514, 2), frame(61, 3)}
	k.send(k.a, want...)
	for i, got := range k.recv(k.b, 3) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("packet %d: %.20x…, want %.20x…", i, got, want[i])
		}
	}
	k.send(k.b, want[0], frame(3000, 4))
	k.recv(k.a, 1)
	out, inc := k.a.Stats(port.Out), k.b.Stats(port.Inc)
	if out.Packets != 3 || out.Bytes != 1635 || out.Dropped != 0 || inc.Packets != 3 || inc.Bytes != 1635 || inc.Dropped != 0 {
		t.Errorf("sent %d (%d bytes), received %d (%d bytes)", out.Packets, out.Bytes, inc.Packets, inc.Bytes)
	}
	if out := k.b.Stats(port.Out); out.Packets != 1 || out.Dropped != 1 {
		t.Errorf("%d sent, %d too long for the interface dropped", out.Packets, out.Dropped)
	}
	if k.a.WaitFD(0) < 0 || k.a.RetryAfter(0) != 0 {
		t.Error("no descriptor to wait for")
	}
}

func TestPortHasTheInterfacesSettings(t *testing.T) {
	k := connect(t)
	var mac net.HardwareAddr
	k.ns.Link("a", func(l netlink.Link) error { mac = l.Attrs().HardwareAddr; return nil })
	if cfg := k.a.Config(); !bytes.Equal(cfg.MAC, mac) || cfg.MTU != 1500 || cfg.NumInc != 1 {
		t.Fatalf("%+v, want address %s", cfg, mac)
	}
	if l := k.a.Link(); !l.Up || l.SpeedMbps != 10000 || !l.FullDuplex {
		t.Errorf("%+v", l)
	}
	if err := k.a.SetConf(9000, nil, true); err != nil {
		t.Fatal(err)
	}
	if err := k.a.SetConf(1<<20, nil, true); errno.Code(err) != errno.EINVAL {
		t.Fatal(err)
	}
	if err := k.a.SetConf(0, nil, false); err != nil {
		t.Fatal(err)
	}
	if k.a.Link().Up || k.a.Up() || k.a.Config().MTU != 9000 {
		t.Error("settings were not changed")
	}
	k.a.Device.Close()
	k.ns.Link("a", func(l netlink.Link) error {
		if l.Attrs().MTU != 1500 || l.Attrs().Flags&net.FlagUp == 0 {
			t.Errorf("the interface was left as %+v", l.Attrs())
		}
		return nil
	})
	k.ns.Do(func() (err error) { k.a, err = try("a"); return err })
}

func TestOneQueueWhateverIsAskedFor(t *testing.T) {
	k := connect(t)
	var p *port.Port
	k.ns.Do(func() (err error) {
		p, err = port.Open(pcap.Driver, port.Config{Name: "p", NumInc: 4, NumOut: 2, SizeInc: 64}, &pcap.PCAPPortArg{Dev: "a"}, nil)
		return err
	})
	defer p.Device.Close()
	if p.Queues(port.Inc) != 1 || p.Queues(port.Out) != 1 {
		t.Fatalf("%d and %d queues", p.Queues(port.Inc), p.Queues(port.Out))
	}
}

// The interface goes away while two workers use the port: nothing happens but
// that no packet comes or goes.
func TestInterfaceIsDeletedUnderARunningPort(t *testing.T) {
	k := connect(t)
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + 2)
	defer runtime.GOMAXPROCS(procs)
	var end atomic.Bool
	var wg sync.WaitGroup
	run := func(step func(c *packet.Cache, b *packet.Batch)) {
		wg.Go(func() {
			c := k.pool.NewCache()
			defer c.Flush()
			var b packet.Batch
			for !end.Load() {
				step(c, &b)
			}
		})
	}
	run(func(c *packet.Cache, b *packet.Batch) {
		for i := range 8 {
			b.Add(c.New(frame(60, byte(i))))
		}
		k.a.Send(0, c, b)
	})
	run(func(c *packet.Cache, b *packet.Batch) {
		k.b.Recv(0, c, b, packet.BatchSize)
		k.b.WaitFD(0)
		c.FreeBatch(b)
	})
	testenv.Eventually(t, "packets flow", func() bool { return k.b.Stats(port.Inc).Packets > 1000 })
	k.ns.Delete("a")
	testenv.Eventually(t, "nothing is sent any more", func() bool {
		before := k.a.Stats(port.Out)
		testenv.Eventually(t, "some more are dropped", func() bool {
			return k.a.Stats(port.Out).Dropped > before.Dropped+1000
		})
		return k.a.Stats(port.Out).Packets == before.Packets
	})
	end.Store(true)
	wg.Wait()
	for _, p := range []*port.Port{k.a, k.b} {
		if notes := strings.Join(p.Device.(port.Noter).Notes(), "; "); !strings.Contains(notes, "is gone") || p.Link().Up {
			t.Errorf("%s, %+v", notes, p.Link())
		}
		if err := p.SetConf(1500, nil, true); err == nil {
			t.Error("an interface that is gone was configured")
		}
	}
}

func TestManyLives(t *testing.T) {
	k := connect(t)
	for i := range 50 {
		k.a.Device.Close()
		k.ns.Do(func() (err error) { k.a, err = try("a"); return err })
		k.send(k.b, frame(60, byte(i)))
		if got := k.recv(k.a, 1); !bytes.Equal(got[0], frame(60, byte(i))) {
			t.Fatalf("life %d: %x", i, got)
		}
	}
}

func TestCaptureFile(t *testing.T) {
	testenv.NoLeaks(t)
	k := &cable{t: t, pool: newPool(t)}
	k.c = k.pool.NewCache()
	p, err := try(realCapture)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Device.Close()
	if p.WaitFD(0) != -1 || p.RetryAfter(0) == 0 {
		t.Error("not asked to be polled before the end")
	}
	k.recv(p, 1097)
	k.send(p, frame(60, 1))
	if st := p.Stats(port.Inc); st.Packets != 1097 || st.Bytes != 782048 || p.RetryAfter(0) != 0 {
		t.Errorf("%d packets, %d bytes, poll again after %d", st.Packets, st.Bytes, p.RetryAfter(0))
	}
	if st := p.Stats(port.Out); st.Packets != 0 || st.Dropped != 1 {
		t.Errorf("%d sent, %d dropped", st.Packets, st.Dropped)
	}
	if n := p.Device.(port.Noter).Notes(); len(n) != 1 || n[0] != realCapture+": end of file after 1097 packets" {
		t.Error(n)
	}
	if err := p.SetConf(0, nil, false); err != nil || p.Up() {
		t.Error("set down:", err)
	}
}

func TestNoAllocation(t *testing.T) {
	k := connect(t)
	f := frame(100, 1)
	if n := testing.AllocsPerRun(100, func() {
		k.send(k.a, f, f, f, f)
		for k.buf.Clear(); k.b.Recv(0, k.c, &k.buf, packet.BatchSize) == 0; {
			k.b.WaitFD(0)
		}
		k.c.FreeBatch(&k.buf)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkForward(b *testing.B) {
	k := connect(b)
	var buf packet.Batch
	for b.Loop() {
		k.c.AllocBatch(&buf, packet.BatchSize, 60)
		for _, p := range buf.Packets() {
			copy(p.Bytes(), frameHead)
		}
		k.a.Send(0, k.c, &buf)
		for n := 0; n < packet.BatchSize; {
			n += k.b.Recv(0, k.c, &buf, packet.BatchSize)
			k.c.FreeBatch(&buf)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packet.BatchSize), "ns/packet")
}

var frameHead = frame(14, 0)
