// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func vdevArg(text string) *PMDPortArg { return &PMDPortArg{Port: &PMDPortArg_Vdev{Vdev: text}} }
func pciArg(text string) *PMDPortArg  { return &PMDPortArg{Port: &PMDPortArg_Pci{Pci: text}} }
func idArg(id uint64) *PMDPortArg     { return &PMDPortArg{Port: &PMDPortArg_PortId{PortId: id}} }

func try(arg *PMDPortArg) (*port.Port, error) { return tryQueues(arg, 1, 1) }

func tryQueues(arg *PMDPortArg, inc, out int) (*port.Port, error) {
	cfg := port.Config{Name: "p0", NumInc: inc, NumOut: out, SizeInc: 1024, SizeOut: 1024}
	return port.Open(Driver, cfg, arg, nil)
}

// bench is a worker's place.
type bench struct {
	t    testing.TB
	pool *packet.Pool
	c    *packet.Cache
	b    packet.Batch
}

func newBench(t testing.TB) *bench {
	t.Helper()
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := pool.Available(); n != 2048 {
			t.Errorf("%d of 2048 buffers are free in the end", n)
		}
		pool.Close()
	})
	return &bench{t: t, pool: pool, c: pool.NewCache()}
}

func (w *bench) open(arg *PMDPortArg) *port.Port { return w.openQueues(arg, 1, 1) }

func (w *bench) openQueues(arg *PMDPortArg, inc, out int) *port.Port {
	w.t.Helper()
	p, err := tryQueues(arg, inc, out)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Device.Close)
	return p
}

func notes(p *port.Port) string { return strings.Join(p.Device.(port.Noter).Notes(), "; ") }

// expectError fails unless err has the code and contains the text.
func expectError(t *testing.T, err error, code int, text string) {
	t.Helper()
	if errno.Code(err) != code || !strings.Contains(err.Error(), text) {
		t.Fatalf("errno %d: %v, want %d: …%s…", errno.Code(err), err, code, text)
	}
}

// The texts and their order are those of ports.md section 2.1.
func TestErrorsOfDevices(t *testing.T) {
	for _, k := range []struct {
		name string
		arg  *PMDPortArg
		code int
		text string
	}{
		{"no device", &PMDPortArg{}, errno.EINVAL, "No port specified"},
		{"id beyond the table", idArg(32), errno.EINVAL, "Invalid port id 32"},
		{"id beyond 32 bits", idArg(1 << 40), errno.EINVAL, "Invalid port id 1099511627776"},
		{"id", idArg(0), errno.ENODEV, "Port id 0 is not available"},
		{"last id", idArg(31), errno.ENODEV, "Port id 31 is not available"},
		{"empty pci", pciArg(""), errno.EINVAL, "No PCI address specified"},
		{"pci syntax", pciArg("02:00"), errno.EINVAL, "PCI address must be like dddd:bb:dd.ff or bb:dd.ff"},
		{"pci syntax", pciArg("0000:02:00.0x"), errno.EINVAL, "PCI address must be like dddd:bb:dd.ff or bb:dd.ff"},
		{"pci", pciArg("02:00.0"), errno.ENODEV, "Cannot attach PCI device 02:00.0"},
		{"long pci", pciArg("0000:02:1f.7"), errno.ENODEV, "Cannot attach PCI device 0000:02:1f.7"},
		{"empty vdev", vdevArg(""), errno.EINVAL, "No vdev specified"},
		{"unknown vdev", vdevArg("net_foo0"), errno.ENODEV, "Cannot attach vdev net_foo0"},
		{"af_xdp", vdevArg("net_af_xdp0,iface=nosuch"), errno.ENODEV, `Cannot attach vdev net_af_xdp0,iface=nosuch: iface: interface "nosuch": does not exist`},
		{"tap of a kind there is not", vdevArg("net_tapx0"), errno.ENODEV, "Cannot attach vdev net_tapx0"},
		{"nonsense", vdevArg("x,,="), errno.ENODEV, "Cannot attach vdev x,,="},
		{"device before profile", func() *PMDPortArg { a := idArg(3); a.FlowProfiles = []uint32{1}; return a }(),
			errno.ENODEV, "Port id 3 is not available"},
	} {
		t.Run(k.name, func(t *testing.T) {
			_, err := try(k.arg)
			if errno.Code(err) != k.code || err.Error() != k.text {
				t.Fatalf("errno %d: %v, want %d: %s", errno.Code(err), err, k.code, k.text)
			}
		})
	}
}

func TestErrorsOfVdevArguments(t *testing.T) {
	for text, want := range map[string]string{
		"net_pcap0":                                     "one of rx_pcap, tx_pcap, rx_iface, tx_iface and iface must be given",
		"net_pcap0,":                                    `"": must be key=value`,
		"net_pcap0,rx_pcap":                             `"rx_pcap": must be key=value`,
		"net_pcap0,rx_pcap=":                            `"rx_pcap=": must be key=value`,
		"net_pcap0,=x":                                  `"=x": must be key=value`,
		"net_pcap0,rx_pcap=a\x00b":                      "must not contain NUL",
		"net_pcap0,speed=1":                             "speed: net_pcap knows",
		"net_pcap0,tx_pcap=a,infinite_rx=yes":           `infinite_rx: "yes": must be 0 or 1`,
		"net_pcap0,iface=a,rx_pcap=b":                   `iface: "a": is for both directions`,
		"net_pcap0,iface=a,iface=b":                     "is for both directions",
		"net_pcap0,tx_pcap=a,tx_pcap=a":                 `tx_pcap: "a": is given twice`,
		"net_pcap0,rx_iface=a,rx_iface=a":               `rx_iface: "a": is given twice`,
		"net_pcap0,rx_iface=a,rx_iface_in=a":            `rx_iface: "a": is given twice`,
		"net_pcap0" + strings.Repeat(",rx_pcap=a", 129): "129 incoming",
		"net_af_xdp0":                                   "iface must be given",
		"net_af_xdp0,iface=x,speed=1":                   "speed: net_af_xdp knows",
		"net_af_xdp0,iface=x,queue_count=0":             `queue_count: "0": must be a number in 1..128`,
		"net_af_xdp0,iface=x,start_queue=-1":            `start_queue: "-1": must be a number in 0..65536`,
		"net_af_xdp0,iface=x,busy_budget=1025":          `busy_budget: "1025": must be a number in 0..1024`,
		"net_af_xdp0,iface=x,force_copy=2":              `force_copy: "2": must be 0 or 1`,
		"net_af_xdp0,iface=x,shared_umem=2":             `shared_umem: "2": must be 0 or 1`,
		"net_af_packet0":                                "iface must be given",
		"net_af_packet0,iface=x,speed=1":                "speed: net_af_packet knows",
		"net_af_packet0,iface=x,qpairs=0":               `qpairs: "0": must be a number in 1..128`,
		"net_af_packet0,iface=x,qpairs=129":             `qpairs: "129": must be`,
		"net_af_packet0,iface=x,framecnt=5000":          `framecnt: "5000": must be`,
		"net_af_packet0,iface=x,fanout_mode=best":       `fanout_mode: "best": must be hash`,
		"net_af_packet0,iface=x,qdisc_bypass=2":         `qdisc_bypass: "2": must be 0 or 1`,
		"net_null0,size=0":                              `size: "0": must be a number in 1..2048`,
		"net_null0,size=2049":                           `size: "2049": must be`,
		"net_null0,size=-1":                             `size: "-1": must be`,
		"net_null0,size=x":                              `size: "x": must be`,
		"net_null0,copy=2":                              `copy: "2": must be 0 or 1`,
		"net_null0,colour=red":                          "colour: net_null knows",
		"net_null0,size=64,copy":                        `"copy": must be key=value`,
		"net_null0,size=999999999999999999999":          "must be a number",
		"net_vhost0":                                    "iface: must be given: the path of the socket",
		"eth_vhost0,iface=/tmp/s,queues=0":              `queues: "0": must be a number in 1..128`,
		"eth_vhost0,iface=/tmp/s,queues=129":            `queues: "129": must be a number in 1..128`,
		"eth_vhost0,iface=/tmp/s,path=x":                "path: net_vhost knows iface, queues, client and tso only",
		"eth_vhost0,iface=/":                            `path: "/": exists and is not a socket`,
		"virtio_user0":                                  "path: must be given: that of the socket",
		"virtio_user0,path=/tmp/s,queue_size=100":       "queue size: 100: must be a power of two in 2..4096",
		"virtio_user0,path=/tmp/s,server=yes":           `server: "yes": must be 0 or 1`,
		"virtio_user0,path=/tmp/s,iface=x":              "iface: virtio_user knows path",
		"net_tap0,remote=eth0":                          "remote: net_tap knows iface, mac and persist only",
		"net_tap0,iface=sixteen-bytes-xx":               `interface "sixteen-bytes-xx": the name has 16 bytes`,
		"net_tap0,mac=random":                           `mac: "random": must be fixed or like`,
		"net_tap0,persist=yes":                          `persist: "yes": must be 0 or 1`,
	} {
		_, err := try(vdevArg(text))
		expectError(t, err, errno.EINVAL, want)
		expectError(t, err, errno.EINVAL, "Cannot attach vdev "+text+": ")
	}
}

func TestOtherFields(t *testing.T) {
	w := newBench(t)
	a := vdevArg("net_null0")
	a.PromiscuousMode, a.Hwcksum, a.FlowProfiles = true, true, []uint32{3, 6, 9}
	a.Socket = &PMDPortArg_SocketId{SocketId: 0}
	p := w.open(a)
	if m := p.Device.(port.Noder).NodeMask(); m != 1 {
		t.Errorf("nodes %b, want node 0", m)
	}
	for _, text := range []string{"net_null0", "net_ring0", "net_pcap0,tx_pcap=DIR/out.pcap"} {
		for _, want := range []bool{false, true} {
			b := vdevArg(strings.ReplaceAll(text, "DIR", t.TempDir()))
			b.Hwcksum = want
			if b.FlowProfiles = nil; want {
				b.FlowProfiles = []uint32{3, 6, 9}
			}
			notes := strings.Join(w.open(b).Notes(), "; ")
			if strings.Contains(notes, "hwcksum has no effect") != want || strings.Contains(notes, "flow_profiles [3 6 9] have no effect") != want {
				t.Errorf("%s, features %t: %s", text, want, notes)
			}
		}
	}
	for _, a := range []*PMDPortArg{vdevArg("net_null0"), {Port: a.Port, Socket: &PMDPortArg_SocketId{SocketId: -1}}} {
		if m := w.open(a).Device.(port.Noder).NodeMask(); m != ^uint64(0) {
			t.Errorf("nodes %b, want any", m)
		}
	}
	out := filepath.Join(t.TempDir(), "out.pcap")
	for _, k := range []struct {
		set  func(*PMDPortArg)
		code int
		text string
	}{
		{func(a *PMDPortArg) { a.FlowProfiles = []uint32{3, 4} }, errno.EINVAL, "Unknown flow profile 4"},
		{func(a *PMDPortArg) { a.Loopback = true }, errno.ENOTSUP, "loopback"},
		{func(a *PMDPortArg) { a.VlanOffloadRxStrip = true }, errno.ENOTSUP, "vlan_offload_rx_strip"},
		{func(a *PMDPortArg) { a.VlanOffloadRxFilter = true }, errno.ENOTSUP, "vlan_offload_rx_filter"},
		{func(a *PMDPortArg) { a.VlanOffloadRxQinq = true }, errno.ENOTSUP, "vlan_offload_rx_qinq"},
		{func(a *PMDPortArg) { a.Socket = &PMDPortArg_SocketId{SocketId: 64} }, errno.EINVAL, "socket_id: 64"},
		{func(a *PMDPortArg) { a.Socket = &PMDPortArg_SocketId{SocketId: 63} }, errno.EINVAL, "socket_id: 63: the machine has no such NUMA node"},
		{func(a *PMDPortArg) { a.Socket = &PMDPortArg_SocketId{SocketId: -2} }, errno.EINVAL, "socket_id: -2"},
	} {
		a := vdevArg("net_pcap0,tx_pcap=" + out)
		k.set(a)
		_, err := try(a)
		expectError(t, err, k.code, k.text)
		if _, err := os.Stat(out); !os.IsNotExist(err) {
			t.Error("a refused port left its file")
		}
	}
}

func TestSettings(t *testing.T) {
	w := newBench(t)
	for _, p := range []*port.Port{
		w.open(vdevArg("net_null0")),
		w.open(vdevArg("net_pcap0,tx_pcap=" + filepath.Join(t.TempDir(), "out"))),
	} {
		for mtu, code := range map[int]int{67: errno.EINVAL, 68: 0, 2048: 0, 2049: errno.EINVAL, -1: errno.EINVAL, 0: 0} {
			err := p.SetConf(mtu, nil, true)
			if errno.Code(err) != code || err != nil && !strings.HasPrefix(err.Error(), "mtu should be >= 68 and <= 2048") {
				t.Errorf("mtu %d: %v", mtu, err)
			}
		}
		if l := p.Link(); !l.Up || !l.FullDuplex {
			t.Errorf("%+v", l)
		}
	}
}

func TestNull(t *testing.T) {
	w := newBench(t)
	for text, size := range map[string]int{"net_null0": 64, "eth_null0": 64, "net_null_gen,size=1514": 1514, "net_null7,size=2048,copy=1": 2048} {
		p := w.openQueues(vdevArg(text), 3, 2)
		if p.Queues(port.Inc) != 3 || p.Queues(port.Out) != 2 {
			t.Error("queues")
		}
		for _, limit := range []int{64, 1, 0} {
			if n := p.Recv(2, w.c, &w.b, limit); n != limit || w.b.Bytes() != uint64(n*size) {
				t.Errorf("%s: %d packets, %d bytes, want %d of %d", text, n, w.b.Bytes(), limit, size)
			}
			p.Send(1, w.c, &w.b)
		}
		if inc, out := p.Stats(port.Inc), p.Stats(port.Out); inc.Packets != 65 || out.Packets != 65 || out.Dropped != 0 {
			t.Errorf("%s: %d received, %d sent", text, inc.Packets, out.Packets)
		}
	}
	p := w.open(vdevArg("net_null0,copy=1"))
	w.c.AllocBatch(&w.b, 64, 64)
	for _, q := range w.b.Packets() {
		q.Bytes()[0] = 7
	}
	w.c.FreeBatch(&w.b)
	p.Recv(0, w.c, &w.b, 64)
	for _, q := range w.b.Packets() {
		if q.Bytes()[0] != 0 {
			t.Fatal("a copied packet is not zero")
		}
	}
	w.c.FreeBatch(&w.b)
	mute := w.open(vdevArg("net_null0,no-rx=1"))
	if mute.Recv(0, w.c, &w.b, 64) != 0 || mute.RetryAfter(0) != 0 || p.RetryAfter(0) == 0 {
		t.Error("no-rx")
	}
}

func TestRing(t *testing.T) {
	w := newBench(t)
	loop := w.openQueues(vdevArg("net_ring0"), 2, 2)
	a, b := w.open(vdevArg("net_ring1,ring=x")), w.open(vdevArg("eth_ring_b,ring=x"))
	for _, k := range []struct {
		from, to *port.Port
		q        int
	}{{loop, loop, 1}, {a, b, 0}, {b, a, 0}} {
		w.c.AllocBatch(&w.b, 5, 60)
		k.from.Send(k.q, w.c, &w.b)
		if n := k.to.Recv(k.q, w.c, &w.b, 64); n != 5 || !k.to.Link().Up || k.to.WaitFD(k.q) < 0 {
			t.Errorf("%s: %d packets", notes(k.to), n)
		}
		w.c.FreeBatch(&w.b)
	}
	_, err := try(vdevArg("net_ring2,ring=x"))
	expectError(t, err, errno.EBUSY, "Cannot attach vdev net_ring2,ring=x: ring \"x\" joins port p0 and port p0 already")
	_, err = try(vdevArg("net_ring2,nodeaction=x"))
	expectError(t, err, errno.EINVAL, "nodeaction: net_ring knows ring only")
}

func TestNullWithoutBuffers(t *testing.T) {
	w := newBench(t)
	p := w.open(vdevArg("net_null0"))
	var held []packet.Packet
	for q := w.c.Alloc(); q != 0; q = w.c.Alloc() {
		held = append(held, q)
	}
	if n := p.Recv(0, w.c, &w.b, 64); n != 0 {
		t.Fatal(n)
	}
	for _, q := range held {
		w.c.Free(q)
	}
}

func FuzzVdev(f *testing.F) {
	for _, s := range []string{"net_pcap0,rx_pcap=a,tx_pcap=b,infinite_rx=1", "net_null1,size=64,copy=0", "eth_vhost_x,iface=/s",
		"net_pcap0,iface=lo", "", ",", "=", "net_,=,", "net_null0,size=9999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseVdev(text)
		if err == nil {
			// Nothing is lost, and what comes out means the same.
			parts := []string{strings.SplitN(text, ",", 2)[0]}
			for _, a := range v.args {
				if a.key == "" || a.value == "" || strings.Contains(a.key, "=") {
					t.Fatalf("%q: %+v", text, v)
				}
				parts = append(parts, a.key+"="+a.value)
			}
			if strings.Join(parts, ",") != text {
				t.Fatalf("%q became %q", text, parts)
			}
		}
		dev, err := findVdev(text, settings{})
		if (dev == nil) == (err == nil) {
			t.Fatalf("%q: %v, %v", text, dev, err)
		}
		if n, ok := dev.(*netNull); ok && (n.null.Size < 1 || n.null.Size > packet.BufferSize) {
			t.Fatalf("%q: size %d", text, n.null.Size)
		}
	})
}
