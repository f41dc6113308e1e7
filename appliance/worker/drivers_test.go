// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/afpacket"
	"github.com/bessform/terraform-provider-bess/appliance/port/afxdp"
	"github.com/bessform/terraform-provider-bess/appliance/port/all"
	"github.com/bessform/terraform-provider-bess/appliance/port/pcap"
	"github.com/bessform/terraform-provider-bess/appliance/port/pmd"
	"github.com/bessform/terraform-provider-bess/appliance/port/ring"
	"github.com/bessform/terraform-provider-bess/appliance/port/tap"
	"github.com/bessform/terraform-provider-bess/appliance/port/unixsock"
	"github.com/bessform/terraform-provider-bess/appliance/port/veth"
	"github.com/bessform/terraform-provider-bess/appliance/port/vhost"
	"github.com/bessform/terraform-provider-bess/appliance/port/vport"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// input is a task that receives from a port, as PortInc has it, and drops what
// it got.
type input struct {
	p             *port.Port
	c             *packet.Cache
	b             packet.Batch
	hz            uint64
	runs, packets atomic.Int64
	fd, retry     atomic.Int64 // what the port said last
}

func (i *input) Run(uint64) sched.Result {
	i.runs.Add(1)
	i.b.Clear()
	n := i.p.Recv(0, i.c, &i.b, packet.BatchSize)
	i.c.FreeBatch(&i.b)
	if n == 0 {
		retry := i.p.RetryAfter(0)
		i.retry.Store(int64(retry))
		return sched.Result{Blocked: true, Retry: sys.CyclesOfNS(retry, i.hz)}
	}
	i.packets.Add(int64(n))
	return sched.Result{Packets: uint64(n), Bits: 8}
}

func (i *input) WaitFD() int {
	fd := i.p.WaitFD(0)
	i.fd.Store(int64(fd))
	return fd
}

// stage is where a driver is tried: a namespace with a cable from near to far.
type stage struct {
	t    *testing.T
	ns   *testenv.Namespace
	dir  string
	c    *packet.Cache // of those who send
	made int
}

// open opens a port in the namespace until the test ends.
func (s *stage) open(d *port.Driver, arg proto.Message) (p *port.Port) {
	s.t.Helper()
	s.made++
	cfg := port.Config{Name: fmt.Sprint("p", s.made), MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(s.made)}, NumInc: 1, NumOut: 1, SizeInc: 64, SizeOut: 64}
	s.ns.Do(func() (err error) { p, err = port.Open(d, cfg, arg, nil); return err })
	s.t.Cleanup(p.Device.Close)
	return p
}

// cableEnd is a port at an interface.
func (s *stage) cableEnd(name string) *port.Port {
	return s.open(afpacket.Driver, &afpacket.AFPacketPortArg{Interface: name})
}

func vdev(text string) *pmd.PMDPortArg {
	return &pmd.PMDPortArg{Port: &pmd.PMDPortArg_Vdev{Vdev: text}}
}

// wakers are ports whose descriptor tells when packets come. For each: how to
// open it, and how to send a packet to it.
var wakers = []struct {
	driver *port.Driver
	kind   string
	open   func(s *stage) (in *port.Port, send func() bool)
}{
	{afpacket.Driver, "frames", func(s *stage) (in *port.Port, send func() bool) {
		return s.cableEnd("near"), s.through(s.cableEnd("far"))
	}},
	{afpacket.Driver, "blocks", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(afpacket.Driver, &afpacket.AFPacketPortArg{Interface: "near", Ring: "blocks"}), s.through(s.cableEnd("far"))
	}},
	{afxdp.Driver, "native", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(afxdp.Driver, &afxdp.AFXDPPortArg{Ifname: "near", Mode: "native"}), s.through(s.cableEnd("far"))
	}},
	{afxdp.Driver, "generic", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(afxdp.Driver, &afxdp.AFXDPPortArg{Ifname: "near", Mode: "generic"}), s.through(s.cableEnd("far"))
	}},
	{pcap.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pcap.Driver, &pcap.PCAPPortArg{Dev: "near"}), s.through(s.cableEnd("far"))
	}},
	{tap.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(tap.Driver, &tap.TAPPortArg{Ifname: "tap0"}), s.through(s.cableEnd("tap0"))
	}},
	{vport.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(vport.Driver, &vport.VPortArg{Ifname: "vp0"}), s.through(s.cableEnd("vp0"))
	}},
	{veth.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(veth.Driver, &veth.VethPortArg{Ifname: "eth0"}), s.through(s.cableEnd("eth0"))
	}},
	{veth.Driver, "af_xdp", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(veth.Driver, &veth.VethPortArg{Ifname: "eth0", AfXdp: &veth.VethXDP{}}), s.through(s.cableEnd("eth0"))
	}},
	{ring.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(ring.Driver, &ring.RingPortArg{Ring: "r"}), s.through(s.open(ring.Driver, &ring.RingPortArg{Ring: "r"}))
	}},
	{unixsock.Driver, "", func(s *stage) (in *port.Port, send func() bool) {
		path := filepath.Join(s.dir, "u")
		return s.open(unixsock.Driver, &unixsock.UnixSocketPortArg{Path: path}), s.client(path)
	}},
	{vhost.Driver, "device", func(s *stage) (in *port.Port, send func() bool) { return s.vhost(false) }},
	{vhost.Driver, "driver", func(s *stage) (in *port.Port, send func() bool) { return s.vhost(true) }},
	{pmd.Driver, "net_af_packet", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pmd.Driver, vdev("net_af_packet0,iface=near")), s.through(s.cableEnd("far"))
	}},
	{pmd.Driver, "net_af_xdp", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pmd.Driver, vdev("net_af_xdp0,iface=near")), s.through(s.cableEnd("far"))
	}},
	{pmd.Driver, "net_pcap", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pmd.Driver, vdev("net_pcap0,iface=near")), s.through(s.cableEnd("far"))
	}},
	{pmd.Driver, "net_tap", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pmd.Driver, vdev("net_tap0,iface=tap0")), s.through(s.cableEnd("tap0"))
	}},
	{pmd.Driver, "net_ring", func(s *stage) (in *port.Port, send func() bool) {
		return s.open(pmd.Driver, vdev("net_ring0,ring=r")), s.through(s.open(pmd.Driver, vdev("net_ring1,ring=r")))
	}},
	{pmd.Driver, "net_vhost", func(s *stage) (in *port.Port, send func() bool) {
		path := filepath.Join(s.dir, "v")
		return s.open(pmd.Driver, vdev("net_vhost0,iface="+path)), s.through(s.open(pmd.Driver, vdev("virtio_user0,path="+path)))
	}},
	{pmd.Driver, "virtio_user", func(s *stage) (in *port.Port, send func() bool) {
		path := filepath.Join(s.dir, "v")
		back := s.open(pmd.Driver, vdev("net_vhost0,iface="+path))
		return s.open(pmd.Driver, vdev("virtio_user0,path="+path)), s.through(back)
	}},
}

// vhost joins a device and a driver.
func (s *stage) vhost(toDriver bool) (in *port.Port, send func() bool) {
	path := filepath.Join(s.dir, "v")
	back := s.open(vhost.Driver, &vhost.VhostUserPortArg{Path: path})
	front := s.open(vhost.Driver, &vhost.VhostUserPortArg{Path: path, Client: true, FrontEnd: true})
	if toDriver {
		return front, s.through(back)
	}
	return back, s.through(front)
}

// frame is for everybody, so that every port takes it.
var frame = append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0xee, 0x88, 0xb5}, make([]byte, 46)...)

// through returns what sends a packet through a port and reports whether it
// went.
func (s *stage) through(p *port.Port) func() bool {
	testenv.Eventually(s.t, "the link is up", func() bool { return p.Link().Up })
	return func() bool {
		before := p.Stats(port.Out).Packets
		var b packet.Batch
		b.Add(s.c.New(frame))
		p.Send(0, s.c, &b)
		return p.Stats(port.Out).Packets > before
	}
}

// client connects to a socket and returns what sends a packet to it.
func (s *stage) client(path string) func() bool {
	s.t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		s.t.Cleanup(func() { _ = unix.Close(fd) })
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return func() bool { return unix.Send(fd, frame, 0) == nil }
}

// waits reports whether a thread of this process waits for descriptors.
func waits(tid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
	return err == nil && strings.HasPrefix(string(b), fmt.Sprint(unix.SYS_PPOLL, " "))
}

// resting waits until the worker sleeps and nothing but a packet would wake it.
func resting(t *testing.T, w *Worker, in *input) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		runs := in.runs.Load()
		if !waits(w.ThreadID()) {
			continue
		}
		// A port that is polled would run within a moment.
		if time.Sleep(20 * time.Millisecond); waits(w.ThreadID()) && in.runs.Load() == runs {
			return
		}
	}
	t.Fatal("the worker does not come to rest: its port is polled, or its descriptor stays readable")
}

// A worker with nothing but an idle port sleeps without being called to poll
// it, and a packet ends that sleep. The time-out that bounds every sleep is put
// out of the way, so that a port whose descriptor does not tell is found out.
func TestPortsWakeAnIdleWorker(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		testenv.Skip(t, testenv.NoKernel, "/proc")
	}
	for _, k := range wakers {
		t.Run(strings.Trim(k.driver.Name+"/"+k.kind, "/"), func(t *testing.T) {
			testenv.NoLeaks(t)
			hostif.SetDir(t.TempDir())
			const buffers = 2048
			pool, err := packet.NewPool(buffers)
			if err != nil {
				t.Fatal(err)
			}
			s := &stage{t: t, ns: testenv.Netns(t), dir: t.TempDir(), c: pool.NewCache()}
			t.Cleanup(func() {
				s.c.Close()
				if free := pool.Available(); free != buffers {
					t.Errorf("%d of %d buffers are free in the end", free, buffers)
				}
				pool.Close()
			})
			s.ns.Veth("near", "far")
			p, send := k.open(s)
			testenv.Eventually(t, "the port's link is up", func() bool { return p.Link().Up })
			configure(t, p)
			wake(t, pool, p, send)
		})
	}
}

// configure sets a port down and up: every driver can do that.
func configure(t *testing.T, p *port.Port) {
	for _, up := range []bool{false, true} {
		if err := p.SetConf(0, nil, up); err != nil || p.Up() != up {
			t.Errorf("up %t: %v", up, err)
		}
	}
	if c := p.Present(); c.MTU == 0 || len(c.MAC) != 6 {
		t.Errorf("%+v", c)
	}
	testenv.Eventually(t, "the port's link is up again", func() bool { return p.Link().Up })
}

// receive starts a worker that receives from p, and of which one limit is an
// hour.
func receive(t *testing.T, pool *packet.Pool, p *port.Port, set func(i *idler, hour uint64)) (*Worker, *input) {
	tree := sched.New(sched.Options{})
	w, err := Start(0, sys.AllowedCores()[0], pool.NewCache(), tree)
	if err != nil {
		t.Fatal(err)
	}
	in := &input{p: p, c: w.Ctx.Cache, hz: w.hz}
	w.Do(func() {
		set(&w.idle, sys.CyclesOf(time.Hour, w.hz))
		if _, err := tree.AddOrphanRoot(sched.NewLeaf("in", in)); err != nil {
			t.Error(err)
		}
	})
	w.Resume()
	return w, in
}

// wake has a worker receive from p, and wakes it with packets.
func wake(t *testing.T, pool *packet.Pool, p *port.Port, send func() bool) {
	w, in := receive(t, pool, p, func(i *idler, hour uint64) { i.longest = hour })
	defer w.Stop()
	for i := range int64(5) {
		resting(t, w, in)
		if fd, retry := in.fd.Load(), in.retry.Load(); fd < 0 || retry != 0 {
			t.Errorf("asleep with descriptor %d, to be polled again in %d ns", fd, retry)
		}
		before := in.packets.Load()
		testenv.Eventually(t, "a packet is sent", send)
		await(t, fmt.Sprint("wake-up ", i), func() bool { return in.packets.Load() > before })
	}
}

// Between the packets of a busy port a worker polls: as long as the time that it
// does so without finding any has not run out, it does not sleep once.
func TestBusyPortKeepsTheWorkerAwake(t *testing.T) {
	hostif.SetDir(t.TempDir())
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, ns: testenv.Netns(t), c: pool.NewCache()}
	t.Cleanup(func() { s.c.Close(); pool.Close() })
	s.ns.Veth("near", "far")
	p, send := s.cableEnd("near"), s.through(s.cableEnd("far"))
	w, in := receive(t, pool, p, func(i *idler, hour uint64) { i.spin = hour })
	defer w.Stop()
	await(t, "the worker polls", func() bool { return in.runs.Load() > 1000 })
	for i := range int64(20) {
		packets, runs := in.packets.Load(), in.runs.Load()
		testenv.Eventually(t, "a packet is sent", send)
		await(t, fmt.Sprint("packet ", i), func() bool { return in.packets.Load() > packets && in.runs.Load() > runs+1000 })
	}
	slept := func() (n uint64) { w.Do(func() { n = w.idle.sleeps }); return n }
	if n := slept(); n != 0 {
		t.Errorf("the worker has slept %d times", n)
	}
	w.Do(func() { w.idle.spin = 0 }) // and then it does
	await(t, "the worker sleeps", func() bool { return slept() > 0 })
}

// polled are the drivers without a descriptor: they say when to look again.
var polled = map[string]string{
	"NullPort":     "packets are there at any time, or never",
	"PcapFilePort": "a file is always readable",
}

// Whoever adds a driver says here how its packets wake a worker.
func TestEveryDriverIsKnown(t *testing.T) {
	for _, d := range all.Drivers() {
		known := polled[d.Name] != ""
		for _, k := range wakers {
			known = known || k.driver == d
		}
		if !known {
			t.Errorf("%s is neither in wakers nor in polled", d.Name)
		}
	}
}
