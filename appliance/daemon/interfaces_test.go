// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// echo is a pipeline that sends what comes from an interface back there.
const echo = `apiVersion: bess.dev/v1
kind: Pipeline
spec:
  ports:
    wire: %PORT
  modules:
    in: {class: PortInc, args: {port: wire}}
    out: {class: PortOut, args: {port: wire}}
  links: [in -> out]
`

// box is a namespace in which daemons run that share a state directory.
type box struct {
	t     *testing.T
	ns    *testenv.Namespace
	state string
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{t: t, ns: testenv.Netns(t), state: filepath.Join(t.TempDir(), "state")}
	b.ns.Veth("near", "far")
	return b
}

// daemon starts a daemon with a port on the interface "near".
func (b *box) daemon(port string, extra ...string) *proc {
	b.t.Helper()
	p := &proc{t: b.t, dir: b.t.TempDir(), log: &output{}, done: make(chan error, 1)}
	p.url = "unix:" + filepath.Join(p.dir, "s")
	// A child is born in the namespace of its parent's thread.
	p.start = func(cmd *exec.Cmd) error { return b.ns.Run(cmd.Start) }
	file := filepath.Join(p.dir, "p.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(echo, "%PORT", port)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	p.run(append([]string{"-grpc_url", p.url, "-i", p.pidFile(), "-state_dir", b.state, "-declaration", file}, extra...)...)
	return p
}

// near returns what the kernel says of the interface.
func (b *box) near() (a netlink.LinkAttrs) {
	b.t.Helper()
	b.ns.Link("near", func(l netlink.Link) error { a = *l.Attrs(); return nil })
	return a
}

// answers wants a frame sent from the other end of the cable to come back.
func (b *box) answers() {
	b.t.Helper()
	f := append([]byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5}, bytes.Repeat([]byte{7}, 50)...)
	b.ns.Do(func() error {
		all := bits.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(all))
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		far, err := netlink.LinkByName("far")
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: far.Attrs().Index}); err != nil {
			return err
		}
		buf := make([]byte, 2000)
		testenv.Eventually(b.t, "the frame comes back", func() bool {
			_ = unix.Send(fd, f, 0)
			time.Sleep(time.Millisecond)
			n, err := unix.Read(fd, buf)
			return err == nil && bytes.Equal(buf[:n], f)
		})
		return nil
	})
}

// A daemon that is killed leaves nothing on an interface that the next one does
// not undo; as long as it lives, nobody else has the interface.
func TestInterfaceOfAKilledDaemon(t *testing.T) {
	for driver, port := range map[string]string{
		"AFXDPPort": "{driver: AFXDPPort, args: {ifname: near, promiscuous: true}}",
		"PMDPort":   "{driver: PMDPort, args: {port_id: 0, promiscuous_mode: true}}",
	} {
		t.Run(driver, func(t *testing.T) {
			b := newBox(t)
			before := b.near()
			p := b.daemon(port, "-ports", "near")
			conn := p.dial()
			b.answers()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := api.NewBESSControlClient(conn).SetPortConf(ctx, &api.SetPortConfRequest{Name: "wire",
				Conf: &api.PortConf{Mtu: 1400, MacAddr: "02:01:02:03:04:05", AdminUp: true}}); err != nil {
				t.Fatal(err)
			}
			if a := b.near(); a.MTU != 1400 || a.HardwareAddr.String() != "02:01:02:03:04:05" || a.Promisc != 1 || a.Xdp == nil || !a.Xdp.Attached {
				t.Fatalf("%+v", a)
			}
			second := b.daemon(port, "-ports", "near")
			if second.wait() == 0 || !strings.Contains(second.log.String(), "is in use by port wire of process ") {
				t.Fatalf("a second daemon:\n%s", second.log)
			}
			b.answers()
			_ = p.cmd.Process.Signal(syscall.SIGKILL)
			p.wait()
			// The kernel takes away at once what hung on descriptors.
			testenv.Eventually(t, "the program is gone", func() bool {
				a := b.near()
				return a.Promisc == 0 && (a.Xdp == nil || !a.Xdp.Attached)
			})
			if a := b.near(); a.MTU != 1400 {
				t.Fatalf("mtu %d", a.MTU)
			}
			p = b.daemon(port, "-ports", "near")
			p.dial()
			if a := b.near(); a.MTU != before.MTU || a.HardwareAddr.String() != before.HardwareAddr.String() ||
				!strings.Contains(p.log.String(), "near: mtu 1500 -> 1400") {
				t.Fatalf("%+v\n%s", a, p.log)
			}
			b.answers()
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.wait()
			if a := b.near(); a.Promisc != 0 || a.Xdp != nil && a.Xdp.Attached {
				t.Fatalf("%+v", a)
			}
			if left, _ := filepath.Glob(filepath.Join(b.state, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What a killed daemon left stays where somebody else holds the lock of the
// interface, and the next one says who.
func TestInterfaceWhoseLockIsOccupied(t *testing.T) {
	b := newBox(t)
	p := b.daemon("{driver: AFPacketPort, args: {interface: near}}")
	conn := p.dial()
	b.answers() // it has the port
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := api.NewBESSControlClient(conn).SetPortConf(ctx, &api.SetPortConfRequest{Name: "wire",
		Conf: &api.PortConf{Mtu: 1400, MacAddr: b.near().HardwareAddr.String(), AdminUp: true}})
	if err != nil || r.GetError().GetCode() != 0 || b.near().MTU != 1400 {
		t.Fatal(r, err, b.near().MTU)
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	p.wait()
	var l *net.UnixListener
	lock := &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@bess/interface/%d", b.near().Index)}
	b.ns.Do(func() (err error) {
		l, err = net.ListenUnix("unix", lock)
		return err
	})
	defer func() { _ = l.Close() }()
	p = b.daemon("{driver: NullPort}")
	p.dial()
	want := regexp.MustCompile(fmt.Sprintf(`level=WARN msg="what a daemon that was killed left on an interface stays" interface="near: mtu 1500 -> 1400" error="is in use by process %d \(.*\) of user root`, os.Getpid()))
	if !want.MatchString(p.log.String()) || b.near().MTU != 1400 {
		t.Errorf("mtu %d, want a line like %s:\n%s", b.near().MTU, want, p.log)
	}
	_ = l.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
	p = b.daemon("{driver: NullPort}")
	p.dial()
	if b.near().MTU != 1500 {
		t.Errorf("mtu %d with the lock free", b.near().MTU)
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
}

func TestPortsFlag(t *testing.T) {
	p := launch(t, "-ports", "a,,b")
	if p.wait() == 0 || !strings.Contains(p.log.String(), "must be names separated by commas") {
		t.Errorf("%s", p.log)
	}
}
