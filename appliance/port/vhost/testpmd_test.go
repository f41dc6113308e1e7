// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// testpmd runs DPDK's test program with a device, which sends back what it gets
// with addresses swapped, until the test ends. hack/deps.sh does not install it,
// since it brings two hundred packages along: it is one peer more, besides our
// own and a virtual machine (images/boottest), which everybody's tests have.
func testpmd(t *testing.T, device string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("dpdk-testpmd")
	if err != nil {
		t.Skip("dpdk-testpmd is not installed; on Debian it is part of dpdk-dev")
	}
	var out bytes.Buffer
	cmd := exec.Command(program, append([]string{"--lcores", "0@0,1@0", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--no-shconf",
		"--vdev", device, "--", "--forward-mode=macswap", "--auto-start", "--no-mlockall", "--total-num-mbufs=4096"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	input, err := cmd.StdinPipe() // it ends with its input
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("testpmd:\n%s", out.String())
		}
	})
}

// Others than our own plug in, on either side and with several queues.
func TestTestpmd(t *testing.T) {
	for name, k := range map[string]struct {
		queues int
		front  bool
		device string
	}{
		"its card":                 {1, false, "net_virtio_user0,path=%s"},
		"its card without merging": {1, false, "net_virtio_user0,path=%s,mrg_rxbuf=0"},
		"its card with queues":     {2, false, "net_virtio_user0,path=%s,queues=2"},
		"its switch":               {1, true, "net_vhost0,iface=%s"},
		"its switch with queues":   {2, true, "net_vhost0,iface=%s,queues=2"},
	} {
		t.Run(name, func(t *testing.T) {
			pool, err := packet.NewPool(4096)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			c := pool.NewCache()
			path := filepath.Join(t.TempDir(), "s")
			p, err := try("p0", k.queues, k.queues, &VhostUserPortArg{Path: path, Client: k.front, FrontEnd: k.front})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Device.Close()
			testpmd(t, fmt.Sprintf(k.device, path), fmt.Sprintf("--rxq=%d", k.queues), fmt.Sprintf("--txq=%d", k.queues))
			testenv.Eventually(t, "the link is up", func() bool { return p.Link().Up })
			for q := range k.queues {
				exchange(t, p, c, q)
			}
		})
	}
}

// exchange sends frames of all lengths through a queue, which must come back.
func exchange(t *testing.T, p *port.Port, c *packet.Cache, q int) {
	t.Helper()
	var b packet.Batch
	for n := 60; n <= 1514; n += 97 {
		frame := bytes.Repeat([]byte{byte(n), byte(q)}, n/2+1)[:n]
		copy(frame, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5})
		want := slices.Concat(frame[6:12], frame[:6], frame[12:])
		var got []byte
		testenv.Eventually(t, "a frame comes back", func() bool {
			b.Add(c.New(frame))
			p.Send(q, c, &b)
			for i := range p.Queues(port.Inc) {
				p.Recv(i, c, &b, packet.BatchSize)
				for _, pkt := range b.Packets() {
					got = bytes.Clone(pkt.Bytes())
				}
				c.FreeBatch(&b)
			}
			return bytes.Equal(got, want)
		})
	}
}
