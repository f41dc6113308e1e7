// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vport

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// What one port let in uncut, another one sends.
var _ port.LargeSender = (*device)(nil)

func TestMain(m *testing.M) { testenv.Main(m) }

var mac = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// at opens a port called "vport0" in a namespace.
func at(ns *testenv.Namespace, arg *VPortArg, inc, out int) (p *port.Port, err error) {
	cfg := port.Config{Name: "vport0", MAC: mac, NumInc: inc, NumOut: out, SizeInc: 256, SizeOut: 256}
	err = ns.Run(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
	return p, err
}

func netnsArg(path string) *VPortArg { return &VPortArg{Cpid: &VPortArg_Netns{Netns: path}} }

func dockerArg(name string) *VPortArg { return &VPortArg{Cpid: &VPortArg_Docker{Docker: name}} }

func pidArg(pid int) *VPortArg {
	return &VPortArg{Cpid: &VPortArg_ContainerPid{ContainerPid: int64(pid)}}
}

// fakeDocker puts a shell script named docker onto the path.
func fakeDocker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// The texts are those of ports.md section 2.4.
func TestErrors(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	ns.Veth("taken", "other")
	fakeDocker(t, "exit 1")
	for _, k := range []struct {
		arg  *VPortArg
		code int
		text string
	}{
		{&VPortArg{Ifname: "sixteen-bytes-xx"}, errno.EINVAL, "Linux interface name should be shorter than 16 characters"},
		{dockerArg(""), errno.EINVAL, "field 'docker' should be a container ID or name in string"},
		{dockerArg(strings.Repeat("x", 1000)), errno.EINVAL, "The specified Docker container ID or name is too long"},
		{dockerArg("web"), errno.ESRCH, "Cannot find the PID of container web"},
		{netnsArg("/nowhere"), errno.EINVAL, "Invalid network namespace /nowhere"},
		{netnsArg("/dev/null"), errno.EINVAL, "Invalid network namespace /dev/null"},
		{netnsArg(""), errno.EINVAL, "Invalid network namespace "},
		{pidArg(1 << 22), errno.ESRCH, "container_pid: process 4194304 does not exist"},
		{&VPortArg{RxqCpus: []int64{0}}, errno.EINVAL, "Must specify as many cores as rxqs"},
		{&VPortArg{RxqCpus: []int64{0, -1}}, errno.EINVAL, "rxq_cpus[1]: -1"},
		{&VPortArg{TxTci: 65536}, errno.EINVAL, "tx_tci: 65536"},
		{&VPortArg{TxOuterTci: 1 << 40}, errno.EINVAL, "tx_outer_tci: 1099511627776"},
		{&VPortArg{Ifname: "taken"}, errno.EEXIST, "SN_IOC_CREATE_HOSTNIC failure: interface taken: exists already"},
		{&VPortArg{Ifname: "a/b"}, errno.EINVAL, `SN_IOC_CREATE_HOSTNIC failure: interface "a/b"`},
		{&VPortArg{IpAddrs: []string{"10.0.0.1/24", "10.0.0/24"}}, errno.EINVAL, "Failed to set IP addresses (incorrect IP address format?)"},
		{&VPortArg{IpAddrs: []string{"10.0.0.1/24", "10.0.0.1/24"}}, errno.EEXIST, "Failed to set IP addresses: interface vport0: address 10.0.0.1/24"},
		{&VPortArg{IpAddrs: []string{"2001:db8::1/64"}}, errno.EACCES, "Failed to set IP addresses: interface vport0: address 2001:db8::1/64: permission denied: IPv6 is turned off there"},
	} {
		p, err := at(ns, k.arg, 1, 2)
		if err == nil {
			p.Device.Close()
		}
		if errno.Code(err) != k.code || !strings.HasPrefix(err.Error(), k.text) {
			t.Errorf("errno %d: %v, want %d: %s…", errno.Code(err), err, k.code, k.text)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := at(ns, dockerArg("web"), 1, 1); errno.Code(err) != errno.ENOENT {
		t.Errorf("without docker: %v", err)
	}
	ns.Do(func() error {
		if _, err := netlink.LinkByName("vport0"); err == nil {
			t.Error("an attempt that failed left its interface")
		}
		return nil
	})
}

func TestInterfaceAppearsWhereItShould(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	home, away := testenv.Netns(t), testenv.Netns(t)
	cmd := exec.Command("sleep", "60") // stands for a container
	away.Do(cmd.Start)
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	fakeDocker(t, fmt.Sprintf("echo %d", cmd.Process.Pid))
	for _, k := range []struct {
		arg   *VPortArg
		where *testenv.Namespace
		name  string
	}{
		{&VPortArg{}, home, "vport0"},
		{&VPortArg{Ifname: "fifteen-bytes-x"}, home, "fifteen-bytes-x"},
		{pidArg(0), home, "vport0"},
		{pidArg(cmd.Process.Pid), away, "vport0"},
		{netnsArg(away.Path()), away, "vport0"},
		{dockerArg("web"), away, "vport0"},
	} {
		k.arg.IpAddrs = []string{"10.7.0.1/24", "10.8.0.1/16"}
		p, err := at(home, k.arg, 3, 3)
		if err != nil {
			t.Fatal(err)
		}
		k.where.Link(k.name, func(l netlink.Link) error {
			addrs, err := netlink.AddrList(l, netlink.FAMILY_V4)
			if a := l.Attrs(); a.HardwareAddr.String() != mac.String() || a.MTU != 1500 || a.Flags&net.FlagUp == 0 || len(addrs) != 2 {
				t.Errorf("%v: %+v with %v", k.arg, a, addrs)
			}
			return err
		})
		if p.Config().MTU != 1500 || !p.Link().Up || p.WaitFD(2) < 0 {
			t.Errorf("%v: %+v, %+v", k.arg, p.Config(), p.Link())
		}
		p.Device.Close()
	}
}

func TestLoopbackWithTags(t *testing.T) {
	testenv.NeedFile(t, testenv.NoTun, "/dev/net/tun")
	testenv.NoLeaks(t)
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	p, err := at(testenv.Netns(t), &VPortArg{Loopback: true, TxTci: 0x2005, TxOuterTci: 9, RxqCpus: []int64{0}}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Device.Close()
	c := pool.NewCache()
	var b packet.Batch
	b.Add(c.New([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 8, 0, 'x'}))
	p.Send(0, c, &b)
	p.Recv(0, c, &b, packet.BatchSize)
	want := "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x03\x88\xa8\x00\x09\x81\x00\x20\x05\x08\x00x"
	if b.Len() != 1 || string(b.At(0).Bytes()) != want {
		t.Errorf("%d packets", b.Len())
	}
	c.FreeBatch(&b)
	if in, out := p.Stats(port.Inc), p.Stats(port.Out); in.Packets != 1 || out.Packets != 1 || in.Dropped+out.Dropped != 0 {
		t.Errorf("%+v %+v", in.Packets, out.Packets)
	}
}
