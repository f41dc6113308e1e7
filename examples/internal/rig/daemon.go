// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// Daemon is a bessd process of one test.
type Daemon struct {
	*client.Client
	t    testing.TB
	dir  string
	in   []string // what runs the process in a namespace, if anything
	args []string
	cmd  *exec.Cmd
	log  bytes.Buffer
	home string   // the namespace, if it is one of a Network
	env  []string // further variables for the programs that are run against it
}

// Start runs bessd with further flags until the test ends.
func Start(t testing.TB, args ...string) *Daemon {
	t.Helper()
	return start(t, nil, args...)
}

func start(t testing.TB, in []string, args ...string) *Daemon {
	t.Helper()
	need(t)
	dir, err := os.MkdirTemp(work, "d")
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{t: t, dir: dir, in: in, args: args}
	if d.Client, err = client.Dial("unix:"+filepath.Join(dir, "s"), client.Options{Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.Close()
		d.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("bessd says:\n%s", d.log.String())
		}
	})
	d.Launch()
	return d
}

// Launch starts the process, again after Kill, and waits until it answers.
func (d *Daemon) Launch() {
	d.t.Helper()
	args := slices.Concat(d.in, []string{program("bessd"), "-f", "-skip_root_check", "-grpc_url", d.Address(),
		"-i", filepath.Join(d.dir, "pid")}, d.args)
	d.cmd = exec.Command(args[0], args[1:]...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	Eventually(d.t, "bessd answers", func() bool {
		_, err := d.Version(context.Background())
		return err == nil
	})
}

// Kill ends the process at once, as a crash would.
func (d *Daemon) Kill() { d.end(syscall.SIGKILL) }

// Pid returns the process id.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

func (d *Daemon) end(sig syscall.Signal) {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(sig)
	_ = d.cmd.Wait()
	d.cmd = nil
}

// Setenv sets a variable for the programs that are run against the daemon.
func (d *Daemon) Setenv(name, value string) { d.env = append(d.env, name+"="+value) }

// Bessctl runs bessctl against the daemon and returns what it printed.
func (d *Daemon) Bessctl(args ...string) (string, error) {
	cmd := exec.Command(program("bessctl"), append([]string{"--address", d.Address()}, args...)...)
	cmd.Env = append(os.Environ(), d.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// MustBessctl is Bessctl for what must succeed.
func (d *Daemon) MustBessctl(args ...string) string {
	d.t.Helper()
	out, err := d.Bessctl(args...)
	if err != nil {
		d.t.Fatalf("bessctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Must fails the test if err is not nil.
func (d *Daemon) Must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// Contents reports what is on the daemon: names of modules, ports and traffic
// classes.
func (d *Daemon) Contents() []string {
	d.t.Helper()
	ctx := context.Background()
	var list []string
	modules, err := d.Modules(ctx)
	d.Must(err)
	for _, m := range modules {
		list = append(list, "module "+m.GetName())
	}
	ports, err := d.Ports(ctx)
	d.Must(err)
	for _, p := range ports {
		list = append(list, "port "+p.GetName())
	}
	tcs, err := d.TCs(ctx, client.AnyWorker)
	d.Must(err)
	for _, c := range tcs {
		list = append(list, "tc "+c.GetClass().GetName())
	}
	return list
}
