// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package boottest starts the appliance's image in virtual machines. It has
// nothing but tests, which take minutes and only run when they are asked for:
//
//	BOOT_TEST=1     what every change must keep (make boot-test)
//	BOOT_TEST=full  loss of power and damage as well (make boot-test-full)
//	BOOT_IMAGE=DIR  use the image in this folder (of the repository, unless the path is absolute) instead of building one
package boottest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

var built struct {
	once  sync.Once
	dir   string
	image vm.Image
	err   error

	programs string // folder
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	_ = os.RemoveAll(built.programs)
	os.Exit(code)
}

// repository returns the root of the sources.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// image builds the image, once. It skips the test unless boot tests were
// asked for: that is no lack of the machine's, so it is no failure anywhere.
func image(t *testing.T) vm.Image {
	t.Helper()
	if os.Getenv("BOOT_TEST") == "" {
		t.Skip("starts virtual machines: make boot-test")
	}
	need.Programs(t, append([]string{vm.Program, "qemu-img", "objcopy", "mke2fs", "zstd"}, vm.SeedPrograms...)...)
	root := repository(t)
	if dir := os.Getenv("BOOT_IMAGE"); dir != "" {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
		return vm.Image{Dir: dir}
	}
	built.once.Do(func() {
		built.dir, built.err = os.MkdirTemp("", "boot")
		if built.err == nil {
			built.image, built.err = vm.Build(root, filepath.Join(built.dir, "image"))
		}
	})
	if built.err != nil {
		if strings.Contains(built.err.Error(), "download ") {
			need.Skip(t, need.NoArchive, built.err.Error())
		}
		t.Fatal(built.err)
	}
	return built.image
}

// full skips the test unless all boot tests were asked for.
func full(t *testing.T) {
	t.Helper()
	if os.Getenv("BOOT_TEST") != "full" {
		t.Skip("takes many boots: make boot-test-full")
	}
}

// start starts a machine that ends with the test. If the test fails, the log
// has its console.
func start(t *testing.T, c vm.Config) (*vm.VM, context.Context) {
	t.Helper()
	dir, err := os.MkdirTemp("", "vm") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = dir
	ctx, cancel := context.WithTimeout(context.Background(), 2*vm.Patience) // to come up, and to do what it is for
	m, err := vm.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		m.Kill()
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("console:\n%s", m.Console())
		}
	})
	return m, ctx
}

// must waits for something on the console.
func must(ctx context.Context, t *testing.T, m *vm.VM, pattern string) {
	t.Helper()
	if _, err := m.WaitConsole(ctx, regexp.MustCompile(pattern)); err != nil {
		t.Fatal(err)
	}
}

// shows fails the test unless a box that is up has printed something, or does
// so soon: consoles are slow.
func shows(t *testing.T, m *vm.VM, pattern string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := m.WaitConsole(ctx, regexp.MustCompile(pattern)); err != nil {
		t.Error(err)
	}
}

// took logs how long a boot took: nothing depends on it.
func took(t *testing.T, what string, since time.Time) {
	t.Helper()
	how := "emulated"
	if vm.Accelerated() {
		how = "KVM"
	}
	t.Logf("%s: %.1f s (%s)", what, time.Since(since).Seconds(), how)
}

// modules returns the names of the modules that a box runs.
func modules(ctx context.Context, t *testing.T, conn *grpc.ClientConn) string {
	t.Helper()
	r, err := api.NewBESSControlClient(conn).ListModules(ctx, &api.EmptyRequest{})
	if err != nil || r.GetError() != nil {
		t.Fatal(r, err)
	}
	var names []string
	for _, m := range r.GetModules() {
		names = append(names, m.GetName())
	}
	return fmt.Sprint(names)
}

const seedHead = "apiVersion: bess.dev/v1\nkind: Seed\n"

// writeSeed makes a seed volume.
func writeSeed(t *testing.T, text string) vm.Disk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed")
	if err := vm.WriteSeed(file, "SEED", map[string]string{"seed.yaml": text}); err != nil {
		t.Fatal(err)
	}
	return vm.Disk{File: file, Format: "raw"}
}

// indent makes a text part of a YAML document.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
