// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"context"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// Interfaces of the box.
const (
	mgmtMAC  = "52:54:00:00:00:01"
	leftMAC  = "52:54:00:00:00:11"
	rightMAC = "52:54:00:00:00:12"
	hugePage = 2 << 20
	pages    = 16
)

// pipeline is what the box is seeded with: what comes in on the left is
// filtered, marked frames get another destination, and it leaves on the right;
// the way back changes nothing.
const pipeline = `apiVersion: bess.dev/v1
kind: Pipeline
metadata:
  name: two-way
spec:
  workers:
    0: {core: 1}
  ports:
    left: {driver: PCAPPort, args: {dev: left}}
    right: {driver: PCAPPort, args: {dev: right}}
  modules:
    fromLeft: {class: PortInc, args: {port: left}}
    fromRight: {class: PortInc, args: {port: right}}
    fw:
      class: ACL
      args:
        rules:
          - {dst_port: 9, drop: true}
          - {}
    mark: {class: BPF, args: {filters: [{filter: udp dst port 7, gate: 1}]}}
    rewrite: {class: Update, args: {fields: [{size: 6, value: 0x020000000077}]}}
    stage: {class: MetadataTest, args: {write: {seen: 4}}}
    toLeft: {class: PortOut, args: {port: left}}
    toRight: {class: PortOut, args: {port: right}}
  links:
    - fromLeft -> fw -> mark -> stage -> toRight
    - mark:1 -> rewrite -> toRight
    - fromRight -> toLeft
`

// box is a running appliance between two wires.
type box struct {
	*operator
	m           *vm.VM
	ctx         context.Context
	conn        *grpc.ClientConn // of an administrator
	left, right *wire
}

// newBox returns a box that is to be started, and its wires.
func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{operator: newOperator(t)}
	dir, err := os.MkdirTemp("", "wire") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b.left, b.right = newWire(t, dir, "left"), newWire(t, dir, "right")
	return b
}

// startBox boots the image with pipeline.
func startBox(t *testing.T) *box {
	t.Helper()
	i, b := image(t), newBox(t)
	seed := writeSeed(t, seedHead+`hostname: edge-1
network:
  interfaces:
    - {match: {mac: "`+mgmtMAC+`"}, name: mgmt, dhcp: true}
    - {match: {mac: "`+leftMAC+`"}, name: left}
    - {match: {mac: "`+rightMAC+`"}, name: right}
system: {hugepages: {2M: 16}, isolatedCores: "1", buffers: 16384}
`+b.tls()+"declaration:\n"+indent(pipeline))
	began := time.Now()
	b.m, b.ctx = start(t, i.Direct(vm.Config{Disks: []vm.Disk{seed}, NICs: []vm.NIC{
		{MAC: mgmtMAC}, b.left.nic(leftMAC), b.right.nic(rightMAC),
	}}))
	b.conn = b.dial(b.ctx, b.m)
	took(t, "power on to healthy, direct kernel", began)
	return b
}

// with returns the box for a subtest.
func (b *box) with(t *testing.T) *box {
	c, o := *b, *b.operator
	o.t, c.operator = t, &o
	return &c
}

// One boot shows all that does not need another one.
func TestBox(t *testing.T) {
	b := startBox(t)
	for _, s := range []struct {
		name string
		test func(*box)
	}{
		{"declaration", (*box).declaration},
		{"access", (*box).access},
		{"facts", (*box).facts},
		{"listeners", (*box).listeners},
		{"traffic", (*box).traffic},
		{"change", (*box).change},
		{"restart", (*box).restart},
		{"terraform", (*box).terraform},
	} {
		t.Run(s.name, func(t *testing.T) {
			began := time.Now()
			s.test(b.with(t))
			t.Logf("%.1f s", time.Since(began).Seconds())
		})
	}
	if t.Failed() {
		t.Logf("console:\n%s", b.m.Console())
	}
}
