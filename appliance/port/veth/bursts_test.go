// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// burstPrograms returns how many programs that send batches this process has:
// of all its BPF programs only those are for traffic control.
func burstPrograms() (n int) {
	files, _ := filepath.Glob("/proc/self/fdinfo/*")
	for _, f := range files {
		// BPF_PROG_TYPE_SCHED_CLS
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "\nprog_type:\t3\n") {
			n++
		}
	}
	return n
}

// withOneQueue opens a port in a namespace.
func withOneQueue(ns *testenv.Namespace, arg *VethPortArg) (p *port.Port, err error) {
	cfg := port.Config{Name: "p0", MAC: mac, NumInc: 1, NumOut: 1, SizeInc: 64, SizeOut: 64}
	err = ns.Run(func() (err error) { p, err = port.Open(Driver, cfg, arg, nil); return err })
	return p, err
}

// Batches go by the program that sends them at once unless that is turned off,
// and arrive either way.
func TestBursts(t *testing.T) {
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	for _, x := range []*VethXDP{nil, {}} {
		for how, programs := range map[string]int{"": 1, "auto": 1, "on": 1, "off": 0} {
			p, err := withOneQueue(ns, &VethPortArg{AfXdp: x, Bursts: how})
			if err != nil {
				t.Fatalf("af_xdp %v, bursts %q: %v", x, how, err)
			}
			if n := burstPrograms(); n != programs || noted(p, "batches are sent at once") != (n > 0) {
				t.Errorf("af_xdp %v, bursts %q: %d programs, %q", x, how, n, p.Notes())
			}
			before := attrs(ns, "p0").Statistics.RxPackets
			sendBatch(t, ns, p)
			testenv.Eventually(t, "the batch arrives", func() bool { return attrs(ns, "p0").Statistics.RxPackets-before >= packet.BatchSize })
			p.Device.Close()
		}
	}
	if n := burstPrograms(); n != 0 {
		t.Errorf("%d programs are left", n)
	}
}

// sendBatch sends a full batch.
func sendBatch(t *testing.T, ns *testenv.Namespace, p *port.Port) {
	t.Helper()
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ns.Do(func() error {
		c := pool.NewCache()
		defer c.Close()
		var b packet.Batch
		for range packet.BatchSize {
			b.Add(c.New(make([]byte, 60)))
		}
		p.Send(0, c, &b)
		return nil
	})
}

// Without the right to load programs packets are sent one by one; who insists on
// more is told what is missing.
func TestBurstsWithoutTheRight(t *testing.T) {
	testenv.NeedNetns(t)
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	open := func(how string) (p *port.Port, err error) {
		cfg := port.Config{Name: "p0", MAC: mac, NumInc: 1, NumOut: 1, SizeInc: 64, SizeOut: 64}
		err = ns.Run(func() error {
			return testenv.Without(func() (err error) {
				p, err = port.Open(Driver, cfg, &VethPortArg{Bursts: how}, nil)
				return err
			}, unix.CAP_BPF, unix.CAP_SYS_ADMIN)
		})
		return p, err
	}
	p, err := open("auto")
	if err != nil {
		t.Fatal(err)
	}
	if n := burstPrograms(); n != 0 || !noted(p, "batches are not sent at once: ") {
		t.Errorf("%d programs, %q", n, p.Notes())
	}
	p.Device.Close()
	if _, err = open("on"); errno.Code(err) != errno.EPERM || !strings.Contains(fmt.Sprint(err), "bursts: on: ") || !strings.HasSuffix(fmt.Sprint(err), "the daemon lacks CAP_BPF") {
		t.Errorf("errno %d: %v", errno.Code(err), err)
	}
	if attrs(ns, "p0") != nil {
		t.Error("an attempt that failed left its cable")
	}
}
