// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// daemon is a bessd process of one test.
type daemon struct {
	t       *testing.T
	dir     string
	address string
	c       *client.Client
	flags   []string // beside those that all have
	cmd     *exec.Cmd
	log     bytes.Buffer
}

// startDaemon starts bessd and ends it with the test.
func startDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	need(t)
	dir, err := os.MkdirTemp(work, "d")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, dir: dir, flags: flags, address: "unix:" + filepath.Join(dir, "s")}
	if d.c, err = client.Dial(d.address, client.Options{Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	d.start()
	t.Cleanup(func() {
		_ = d.c.Close()
		d.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("bessd says:\n%s", d.log.String())
		}
	})
	return d
}

// start runs the process and waits until it answers.
func (d *daemon) start() {
	d.t.Helper()
	d.cmd = exec.Command(built.bessd, append([]string{"-f", "-skip_root_check", "-grpc_url", d.address,
		"-buffers", "16384", "-i", filepath.Join(d.dir, "pid")}, d.flags...)...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := d.c.Version(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("bessd does not answer: %v\n%s", err, d.log.String())
		}
	}
}

// stop ends the process with a signal and waits for it.
func (d *daemon) stop(sig syscall.Signal) {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(sig)
	_ = d.cmd.Wait()
	d.cmd = nil
}

// ctx is for calls of tests.
func ctx() context.Context { return context.Background() }

// must fails the test if a call failed.
func (d *daemon) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// module returns a module, or nil if there is none of that name.
func (d *daemon) module(name string) *client.ModuleInfo {
	d.t.Helper()
	info, err := d.c.Module(ctx(), name)
	if client.IsNotFound(err) {
		return nil
	}
	d.must(err)
	return info
}

// links returns the links that leave a module.
func (d *daemon) links(name string) []string {
	d.t.Helper()
	info := d.module(name)
	if info == nil {
		return nil
	}
	list := []string{}
	for _, o := range info.GetOgates() {
		list = append(list, link{name, o.GetOgate(), o.GetIgate(), o.GetName()}.String())
	}
	return list
}

// tc returns a traffic class or the leaf of a task ("src:0"), or nil.
func (d *daemon) tc(name string) *client.TC {
	d.t.Helper()
	tcs, err := d.c.TCs(ctx(), client.AnyWorker)
	d.must(err)
	for _, tc := range tcs {
		c := tc.GetClass()
		if c.GetName() == name || c.GetLeafModuleName() != "" && client.TaskName(c.GetLeafModuleName(), c.GetLeafModuleTaskid()) == name {
			return tc
		}
	}
	return nil
}

// worker returns a worker, or nil.
func (d *daemon) worker(wid int64) *client.Worker {
	d.t.Helper()
	workers, err := d.c.Workers(ctx())
	d.must(err)
	for _, w := range workers {
		if w.GetWid() == wid {
			return w
		}
	}
	return nil
}
