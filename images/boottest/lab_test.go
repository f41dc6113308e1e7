// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

const otherMAC = "52:54:00:00:00:13"

// names tells the guest what its interfaces are called.
const names = mgmtMAC + "/mgmt," + leftMAC + "/left," + rightMAC + "/right," + otherMAC + "/other"

// dma makes a virtio interface one whose driver does AF_XDP without copying:
// it uses the kernel's DMA functions.
const dma = "disable-legacy=on,iommu_platform=on"

// lab is a machine with bessd between two wires whose kernel drives interfaces
// without copying: left and right; a third one, other, can only copy.
type lab struct {
	t           *testing.T
	queues      int
	m           *vm.VM
	ctx         context.Context
	left, right *wire
	order       net.Conn // to the first process
	answers     *bufio.Reader
	bess        *client.Client
}

// debs returns the packages of the kernel to test with. Nothing downloads
// them, so that the test only runs when somebody says where they are.
func debs(t *testing.T) []string {
	t.Helper()
	list := strings.Fields(os.Getenv("KERNEL_DEB"))
	if len(list) == 0 {
		t.Skip("needs a kernel of Linux 6.13 or newer: make test-zero-copy KERNEL_DEB=...")
	}
	need.Programs(t, vm.Program, "dpkg-deb", "xz")
	for i, f := range list {
		if !filepath.IsAbs(f) {
			list[i] = filepath.Join(repository(t), f)
		}
	}
	return list
}

// newLab starts a machine whose left and right have so many queues.
func newLab(t *testing.T, card vm.NIC, queues int) *lab {
	t.Helper()
	g := guest{debs: debs(t), drivers: []string{"virtio_pci", "virtio_net"}, programs: map[string]string{}}
	if card.Model != "" {
		g.drivers = append(g.drivers, card.Model)
	}
	dir, err := os.MkdirTemp("", "lab") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, pkg := range map[string]string{"init": "./images/boottest/testdata/guest", "bessd": "./appliance/cmd/bessd"} {
		g.programs[name] = filepath.Join(dir, name)
		build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", g.programs[name], pkg)
		build.Dir, build.Env = repository(t), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	kernel, initrd, err := g.write(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, queues: queues, left: newWire(t, dir, "left"), right: newWire(t, dir, "right")}
	other := newWire(t, dir, "other")
	nics := []vm.NIC{{MAC: mgmtMAC}, l.left.nic(leftMAC), l.right.nic(rightMAC), other.nic(otherMAC)}
	for i := range nics[1:3] {
		n := &nics[1+i]
		n.Model, n.Properties, n.PCI = card.Model, card.Properties, fmt.Sprint(4*(i+1)) // igb's virtual functions take places, too
	}
	began := time.Now()
	l.m, l.ctx = start(t, vm.Config{Kernel: kernel, Initrd: initrd, CommandLine: "console=ttyS0,115200 quiet panic=-1 interfaces=" + names, NICs: nics,
		Extra: []string{"-no-reboot", "-serial", "unix:" + dir + "/order,server=on,wait=off"}})
	must(l.ctx, t, l.m, `guest: ready`)
	if l.order, err = net.Dial("unix", dir+"/order"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.order.Close() })
	l.answers = bufio.NewReader(l.order)
	if l.bess, err = client.Dial(l.m.API, client.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.bess.Close() })
	l.serves()
	took(t, "power on to the daemon's answer", began)
	return l
}

// serves waits until the daemon answers.
func (l *lab) serves() {
	l.t.Helper()
	l.eventually("the daemon answers", func() bool {
		ctx, cancel := context.WithTimeout(l.ctx, time.Second)
		defer cancel()
		_, err := l.bess.Version(ctx)
		return err == nil
	})
}

func (l *lab) eventually(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// tell has the first process do something.
func (l *lab) tell(words string) {
	l.t.Helper()
	_ = l.order.SetDeadline(time.Now().Add(4 * patience))
	if _, err := fmt.Fprintln(l.order, words); err != nil {
		l.t.Fatal(err)
	}
	if answer, err := l.answers.ReadString('\n'); err != nil || answer != "ok\n" {
		l.t.Fatalf("%s: %q %v", words, answer, err)
	}
}

// between is the pipeline of the lab: what comes in on one side leaves on the
// other.
const between = `apiVersion: bess.dev/v1
kind: Pipeline
metadata: {name: between}
spec:
  ports:
    left: {driver: AFXDPPort, args: {ifname: left, zero_copy: "%[1]s", promiscuous: true, %[2]s}}
    right: {driver: AFXDPPort, args: {ifname: right, zero_copy: "%[1]s", promiscuous: true, %[2]s}}
  modules:
    fromLeft: {class: PortInc, args: {port: left}}
    fromRight: {class: PortInc, args: {port: right}}
    toLeft: {class: PortOut, args: {port: left}}
    toRight: {class: PortOut, args: {port: right}}
  links: [fromLeft -> toRight, fromRight -> toLeft]
`

// spread is the same with two queues each way, and two workers. What comes in
// is spread over both of the other side's.
const spread = `apiVersion: bess.dev/v1
kind: Pipeline
metadata: {name: spread}
spec:
  workers: {0: {core: 0}, 1: {core: 1}}
  ports:
    left: {driver: AFXDPPort, args: {ifname: left, zero_copy: "%[1]s", promiscuous: true, %[2]s}, numIncQ: 2, numOutQ: 2}
    right: {driver: AFXDPPort, args: {ifname: right, zero_copy: "%[1]s", promiscuous: true, %[2]s}, numIncQ: 2, numOutQ: 2}
  modules:
    fromLeft: {class: PortInc, args: {port: left}}
    fromRight: {class: PortInc, args: {port: right}}
    spreadLeft: {class: RoundRobin, args: {gates: [0, 1]}}
    spreadRight: {class: RoundRobin, args: {gates: [0, 1]}}
    toLeft0: {class: QueueOut, args: {port: left, qid: 0}}
    toLeft1: {class: QueueOut, args: {port: left, qid: 1}}
    toRight0: {class: QueueOut, args: {port: right, qid: 0}}
    toRight1: {class: QueueOut, args: {port: right, qid: 1}}
  links:
    - fromLeft -> spreadRight -> toRight0
    - spreadRight:1 -> toRight1
    - fromRight -> spreadLeft -> toLeft0
    - spreadLeft:1 -> toLeft1
`

// apply has the daemon run a pipeline.
func (l *lab) apply(text string) error {
	r, err := l.bess.Apply(l.ctx, 0, &declarepb.Document{Name: "pipeline.yaml", Text: text})
	if err == nil && len(r.GetFindings()) > 0 {
		err = fmt.Errorf("%v", r.GetFindings())
	}
	return err
}

func (l *lab) notes(port string) string {
	l.t.Helper()
	notes, err := l.bess.PortNotes(l.ctx, port)
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.Join(notes, "\n")
}

// setMTU gives a port another MTU.
func (l *lab) setMTU(port string, mtu uint32) error {
	l.t.Helper()
	c, err := l.bess.PortConf(l.ctx, port)
	if err != nil {
		l.t.Fatal(err)
	}
	c.Mtu = mtu
	return l.bess.SetPortConf(l.ctx, port, c)
}
