// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// host is a namespace at the far end of a cable.
type host struct {
	ns   *testenv.Namespace
	wire *Device
}

// attachHost makes a cable from the namespace of the ports to a host with an
// address, and opens its near end.
func attachHost(t *testing.T, ports *testenv.Namespace, n int, mode Mode) *host {
	t.Helper()
	h := &host{ns: testenv.Netns(t)}
	near := fmt.Sprintf("near%d", n)
	ports.Veth(near, "far")
	to, err := netns.GetFromPath(h.ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	ports.Link("far", func(l netlink.Link) error { return netlink.LinkSetNsFd(l, int(to)) })
	_ = to.Close()
	h.ns.Up("far", true)
	h.ns.Address("far", fmt.Sprintf("10.0.0.%d/24", n))
	ports.Do(func() (err error) { h.wire, err = Open(near, Options{Port: near, Mode: mode}); return err })
	t.Cleanup(h.wire.Close)
	return h
}

// forwardBetween passes packets between two devices until stop is set.
func forwardBetween(c *packet.Cache, a, b *Device, stop *atomic.Bool) {
	var batch packet.Batch
	for !stop.Load() {
		n := 0
		for _, k := range []struct{ from, to *Device }{{a, b}, {b, a}} {
			batch.Clear()
			n += k.from.Recv(0, c, &batch, packet.BatchSize)
			sent := k.to.Send(0, c, batch.Packets())
			c.FreeAll(batch.Packets()[sent:])
		}
		if n == 0 {
			p := []unix.PollFd{{Fd: int32(a.WaitFD(0)), Events: unix.POLLIN}, {Fd: int32(b.WaitFD(0)), Events: unix.POLLIN}}
			_, _ = unix.Poll(p, 10)
		}
	}
}

// Two hosts with everything they usually leave to hardware turned on talk TCP
// through two devices, and get each other's bytes.
func TestHostsTalkTCP(t *testing.T) {
	testenv.NoLeaks(t)
	hostif.SetDir(t.TempDir())
	pool, err := packet.NewPool(4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ports := testenv.Netns(t)
	a, b := attachHost(t, ports, 1, Native), attachHost(t, ports, 2, Native)
	var stop atomic.Bool
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = ports.Run(func() error { forwardBetween(pool.NewCache(), a.wire, b.wire, &stop); return nil })
	}()
	defer func() { stop.Store(true); <-over }()

	data := make([]byte, 8<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	var l net.Listener
	a.ns.Do(func() (err error) { l, err = net.Listen("tcp4", "10.0.0.1:0"); return err })
	defer func() { _ = l.Close() }()
	served := make(chan error, 1)
	go func() { // sends back what it gets
		c, err := l.Accept()
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			// Not from socket to socket, for which pipes are kept open.
			_, err = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			_ = c.Close()
		}
		served <- err
	}()
	var c net.Conn
	b.ns.Do(func() (err error) { c, err = net.DialTimeout("tcp4", l.Addr().String(), 10*time.Second); return err })
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	go func() { _, _ = c.Write(data); _ = c.(*net.TCPConn).CloseWrite() }()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes of %d came back, %v", len(got), len(data), err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

// With this in the environment the test's program opens an interface and says
// what came of it.
const openEnv = "XDP_TEST_OPEN"

func openAndTell(name string) {
	hostif.SetDir(os.Getenv("XDP_TEST_DIR"))
	_, err := Open(name, Options{Port: "p"})
	fmt.Print(err)
	os.Exit(0)
}

// Without the rights for it the error names what is missing.
func TestWithoutCapabilities(t *testing.T) {
	k := lay(t, 1)
	dir := t.TempDir()
	for _, p := range []string{dir, dir + "/.."} {
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		caps []uintptr
		want string
	}{
		{nil, "the daemon lacks CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF"},
		{[]uintptr{unix.CAP_NET_RAW, unix.CAP_NET_ADMIN}, "the daemon lacks CAP_BPF"},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), openEnv+"=near", "XDP_TEST_DIR="+dir+"/state")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: c.caps}
		var out bytes.Buffer
		cmd.Stdout = &out
		k.ns.Do(cmd.Start)
		if err := cmd.Wait(); err != nil || !bytes.Contains(out.Bytes(), []byte(`interface "near": `)) || !bytes.Contains(out.Bytes(), []byte(c.want)) ||
			bytes.Contains(out.Bytes(), []byte("MEMLOCK")) {
			t.Errorf("%v: %s, %v", c.caps, out.String(), err)
		}
	}
}
