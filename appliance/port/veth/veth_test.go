// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// dirEnv makes the test's program a process that opens a port, says so, and
// waits to be killed. It names the directory for its state.
const dirEnv = "VETH_TEST_DIR"

// xdpEnv makes it one with AF_XDP sockets.
const xdpEnv = "VETH_TEST_XDP"

// What one port let in uncut, another one sends.
var _ port.LargeSender = (*largeDevice)(nil)

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirEnv); dir != "" {
		hostif.SetDir(dir)
		arg := &VethPortArg{}
		if os.Getenv(xdpEnv) != "" {
			arg.AfXdp = &VethXDP{}
		}
		_, err := port.Open(Driver, port.Config{Name: "p0", NumInc: 1, NumOut: 1, SizeInc: 64}, arg, nil)
		fmt.Println("result:", err)
		select {}
	}
	testenv.Main(m)
}

var mac = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// at opens a port in a namespace.
func at(ns *testenv.Namespace, name string, arg *VethPortArg) (p *port.Port, err error) {
	cfg := port.Config{Name: name, MAC: mac, NumInc: 2, NumOut: 2, SizeInc: 64, SizeOut: 64}
	err = ns.Run(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
	return p, err
}

func mustAt(t *testing.T, ns *testenv.Namespace, name string, arg *VethPortArg) *port.Port {
	t.Helper()
	p, err := at(ns, name, arg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func netnsArg(ns *testenv.Namespace) *VethPortArg {
	return &VethPortArg{Namespace: &VethPortArg_Netns{Netns: ns.Path()}}
}

// attrs returns what the kernel says of an interface, nil if there is none.
func attrs(ns *testenv.Namespace, name string) (a *netlink.LinkAttrs) {
	_ = ns.Run(func() error {
		if l, err := netlink.LinkByName(name); err == nil {
			a = l.Attrs()
		}
		return nil
	})
	return a
}

func noted(p *port.Port, text string) bool {
	return strings.Contains(strings.Join(p.Device.(port.Noter).Notes(), "; "), text)
}

func TestCable(t *testing.T) {
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	for _, k := range []struct {
		arg       *VethPortArg
		where     *testenv.Namespace
		near, far string
		mtu       int
	}{
		{&VethPortArg{}, home, "longer-nam.bess", "longer-name", 1500},
		{&VethPortArg{Ifname: "eth7", EngineIfname: "near7", Mac: "02:00:00:00:00:07", Mtu: 9000, Addresses: []string{"10.7.0.1/24"},
			Namespace: netnsArg(away).Namespace}, away, "near7", "eth7", 9000},
	} {
		p := mustAt(t, home, "longer-name", k.arg)
		near, far := attrs(home, k.near), attrs(k.where, k.far)
		if near == nil || far == nil || near.MTU != k.mtu || far.MTU != k.mtu || near.HardwareAddr.String() != mac.String() ||
			k.arg.Mac != "" && far.HardwareAddr.String() != k.arg.Mac {
			t.Fatalf("%+v\n%+v", near, far)
		}
		testenv.Eventually(t, "the link is up", func() bool { return p.Link().Up })
		if c := p.Config(); c.MTU != k.mtu || c.MAC.String() != mac.String() || !noted(p, "virtual cable from "+k.near+" to "+k.far) {
			t.Errorf("%+v", c)
		}
		if err := p.SetConf(1400, nil, true); err != nil || attrs(home, k.near).MTU != 1400 || attrs(k.where, k.far).MTU != 1400 {
			t.Errorf("mtu: %v", err)
		}
		k.where.Up(k.far, false)
		testenv.Eventually(t, "the carrier is lost", func() bool { return !p.Link().Up })
		p.Device.Close()
		if attrs(home, k.near) != nil || attrs(k.where, k.far) != nil {
			t.Error("the cable outlived the port")
		}
	}
}

func TestErrors(t *testing.T) {
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	ns, away := testenv.Netns(t), testenv.Netns(t)
	ns.Veth("taken", "other")
	away.Veth("taken", "other")
	for _, k := range []struct {
		arg  *VethPortArg
		code int
		text string
	}{
		{&VethPortArg{Ifname: "sixteen-bytes-xx"}, errno.EINVAL, `ifname: interface "sixteen-bytes-xx": the name has 16 bytes`},
		{&VethPortArg{EngineIfname: "a b"}, errno.EINVAL, `engine_ifname: interface "a b": a name must not contain`},
		{&VethPortArg{Ifname: "x", EngineIfname: "x"}, errno.EINVAL, "both ends are here"},
		{&VethPortArg{Ifname: "taken"}, errno.EEXIST, "interface taken: exists already"},
		{&VethPortArg{EngineIfname: "taken"}, errno.EEXIST, "interface taken: exists already"},
		{&VethPortArg{Ifname: "taken", Namespace: netnsArg(away).Namespace}, errno.EEXIST, "interface taken: exists already"},
		{&VethPortArg{Mac: "x"}, errno.EINVAL, `mac: "x"`},
		{&VethPortArg{Mac: "01:00:00:00:00:00"}, errno.EINVAL, `mac: "01:00:00:00:00:00": must be the address of one station`},
		{&VethPortArg{Mtu: 67}, errno.EINVAL, "mtu 67"},
		{&VethPortArg{Addresses: []string{"x"}}, errno.EINVAL, `address "x"`},
		{&VethPortArg{Addresses: []string{"10.0.0.1/8", "10.0.0.1/8"}}, errno.EEXIST, "address 10.0.0.1/8"},
		{&VethPortArg{AfXdp: &VethXDP{Mode: "fast"}}, errno.EINVAL, `af_xdp: mode: "fast": must be auto, native or generic`},
		{&VethPortArg{AfXdp: &VethXDP{CompleteChecksums: "no"}}, errno.EINVAL, `af_xdp: complete_checksums: "no": must be auto, on or off`},
		{&VethPortArg{AfXdp: &VethXDP{FrameSize: 1}}, errno.EINVAL, "frame_size: 1: must be"},
		{&VethPortArg{AfXdp: &VethXDP{}, LargePackets: true}, errno.EINVAL, "large_packets: true: is not possible with af_xdp"},
		{&VethPortArg{Bursts: "yes"}, errno.EINVAL, `bursts: "yes": must be auto, on or off`},
		{&VethPortArg{Bursts: "on"}, errno.ENOTSUP, "bursts: on: the interface has 2 queues to send through"},
		{&VethPortArg{Bursts: "on", AfXdp: &VethXDP{}}, errno.ENOTSUP, "bursts: on: the interface has 2 queues to send through"},
		{&VethPortArg{Namespace: &VethPortArg_Netns{Netns: "/nowhere"}}, errno.ENOENT, "netns: /nowhere"},
		{&VethPortArg{Namespace: &VethPortArg_Pid{Pid: 1 << 22}}, errno.ESRCH, "pid: process 4194304 does not exist"},
		{&VethPortArg{Namespace: &VethPortArg_Container{Container: "-x"}}, errno.EINVAL, `container: container "-x"`},
	} {
		_, err := at(ns, "p0", k.arg)
		if errno.Code(err) != k.code || !strings.Contains(fmt.Sprint(err), k.text) {
			t.Errorf("errno %d: %v, want %d: …%s…", errno.Code(err), err, k.code, k.text)
		}
	}
	first := mustAt(t, ns, "subscriber-1", &VethPortArg{Ifname: "s1"})
	_, err := at(ns, "subscriber-2", &VethPortArg{Ifname: "s2"})
	if errno.Code(err) != errno.EEXIST || !strings.HasPrefix(err.Error(), "interface subscriber.bess: exists already: ") || !strings.Contains(err.Error(), "engine_ifname") {
		t.Error(err)
	}
	first.Device.Close()
	if attrs(ns, "p0") != nil || attrs(ns, "p0.bess") != nil {
		t.Error("an attempt that failed left its cable")
	}
}

func TestCableOfAKilledProcessIsRemoved(t *testing.T) {
	for _, x := range []string{"", "1"} {
		cableOfAKilledProcess(t, x)
	}
}

func cableOfAKilledProcess(t *testing.T, x string) {
	testenv.NeedNetns(t)
	home := testenv.Netns(t)
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), dirEnv+"="+dir, xdpEnv+"="+x)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	home.Do(cmd.Start)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "result: <nil>\n" {
		t.Fatalf("%q, %v", line, err)
	}
	recover := func() (undone []string) {
		home.Do(func() (err error) { r, err := hostif.Recover(dir); undone = r.Undone; return err })
		return undone
	}
	if undone := recover(); len(undone) > 0 || attrs(home, "p0") == nil || attrs(home, "p0.bess") == nil {
		t.Errorf("the cable of a process that lives was touched: %q", undone)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if attrs(home, "p0.bess") == nil {
		t.Fatal("the kernel removed the cable; nothing is left to test")
	}
	if undone := recover(); len(undone) != 1 || attrs(home, "p0") != nil || attrs(home, "p0.bess") != nil {
		t.Errorf("the cable of a killed process is still there: %q", undone)
	}
}

// forward takes packets from each port to the other until the test ends, as a
// worker would.
func forward(t *testing.T, ports ...*port.Port) (stop func()) {
	pool, err := packet.NewPool(2048)
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		c := pool.NewCache()
		defer c.Close()
		var b packet.Batch
		for {
			select {
			case <-end:
				return
			default:
			}
			for i, p := range ports {
				for q := range p.Queues(port.Inc) {
					p.Recv(q, c, &b, packet.BatchSize)
					ports[len(ports)-1-i].Send(q, c, &b)
				}
			}
		}
	})
	return func() {
		close(end)
		over.Wait()
		if n := pool.Available(); n != 2048 {
			t.Errorf("%d of 2048 buffers are free in the end", n)
		}
		pool.Close()
	}
}

// TestPingAcrossDeletions has two hosts talk while cables are deleted.
func TestPingAcrossDeletions(t *testing.T) {
	t.Run("packet sockets", func(t *testing.T) { pingAcrossDeletions(t, nil) })
	t.Run("AF_XDP", func(t *testing.T) { pingAcrossDeletions(t, &VethXDP{}) })
}

func pingAcrossDeletions(t *testing.T, x *VethXDP) {
	testenv.NeedNetns(t)
	if _, err := exec.LookPath("ping"); err != nil {
		testenv.Skip(t, testenv.NoProgram, "ping")
	}
	testenv.NoLeaks(t)
	home, a, b := testenv.Netns(t), testenv.Netns(t), testenv.Netns(t)
	var ports []*port.Port
	for i, ns := range []*testenv.Namespace{a, b} {
		arg := netnsArg(ns)
		arg.AfXdp = x
		arg.Ifname, arg.Mac, arg.Addresses = "eth0", fmt.Sprintf("02:00:00:00:01:0%d", i+1), []string{fmt.Sprintf("10.7.0.%d/24", i+1)}
		p := mustAt(t, home, fmt.Sprintf("port%d", i), arg)
		defer p.Device.Close()
		ports = append(ports, p)
	}
	stop := forward(t, ports...)
	defer stop()
	ping := func() error {
		return a.Run(func() error {
			out, err := exec.Command("ping", "-c", "3", "-i", "0.05", "-w", "10", "-s", "1472", "10.7.0.2").CombinedOutput()
			if err != nil {
				return errors.New(string(out))
			}
			return nil
		})
	}
	testenv.Eventually(t, "the hosts talk", func() bool { return ping() == nil })
	b.Delete("eth0") // the far end
	testenv.Eventually(t, "the cable is made again", func() bool { return noted(ports[1], "made again 1 times") && attrs(b, "eth0") != nil })
	testenv.Eventually(t, "the hosts talk again", func() bool { return ping() == nil })
	home.Delete("port0.bess") // the near end
	testenv.Eventually(t, "the cable is made again", func() bool { return noted(ports[0], "made again 1 times") && attrs(a, "eth0") != nil })
	testenv.Eventually(t, "the hosts talk again", func() bool { return ping() == nil })
}
