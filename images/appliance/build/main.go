// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command build makes the appliance: a disk image with Debian's kernel, the
// appliance's init and bessd, in the forms that hypervisors take. It needs no
// root, no loop device and no mount, and the same sources give the same bytes.
//
//	build -out DIR [flags]     build into DIR
//	build verify [-pub FILE] DIR   check the files of DIR against its signed manifest
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// config is what a build depends on.
type config struct {
	root    string // of the repository
	out     string
	cache   string // downloaded packages
	keys    string // where a development key is kept
	signKey string
	kernel  string // "cloud" or "full"
	version string
	epoch   int64 // seconds since 1970: the only time a build knows
	newest  bool
}

func main() {
	var err error
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		err = verifyCommand(os.Args[2:])
	} else {
		err = buildCommand(os.Args[1:])
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func buildCommand(args []string) error {
	var c config
	fs := flag.NewFlagSet("build", flag.ContinueOnError)
	fs.StringVar(&c.root, "root", ".", "root of the repository")
	fs.StringVar(&c.out, "out", "dist/appliance", "`folder` to build into")
	fs.StringVar(&c.cache, "cache", "dist/cache", "`folder` of downloaded packages")
	fs.StringVar(&c.keys, "keys", "dist/keys", "`folder` of the development key")
	fs.StringVar(&c.signKey, "sign-key", "", "PEM `file` with the ed25519 key that signs the manifest; without it a development key is made")
	fs.StringVar(&c.kernel, "kernel", "cloud", "cloud, or full for the network cards of real machines")
	fs.StringVar(&c.version, "version", "unknown", "version of the image")
	fs.Int64Var(&c.epoch, "epoch", envEpoch(), "time of the sources in seconds since 1970 (default $SOURCE_DATE_EPOCH)")
	fs.BoolVar(&c.newest, "newest", false, "use the newest kernel of Debian if the pinned one is not in the archive any more")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err := c.check(); err != nil {
		return err
	}
	started := time.Now()
	if err := c.build(); err != nil {
		return err
	}
	fmt.Printf("built in %.1f s: %s\n", time.Since(started).Seconds(), c.out)
	return nil
}

func envEpoch() int64 {
	n, _ := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	return n
}

// check completes a configuration.
func (c *config) check() error {
	if c.kernel != "cloud" && c.kernel != "full" {
		return fmt.Errorf("-kernel: %q: must be cloud or full", c.kernel)
	}
	if c.epoch < 315532800 || c.epoch > 4102444799 { // what FAT can say (UTC)
		return fmt.Errorf("-epoch: %d: must be a time between 1980 and 2099; set SOURCE_DATE_EPOCH or use make image", c.epoch)
	}
	for _, p := range []*string{&c.root, &c.out, &c.cache, &c.keys} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return needTools()
}

// build does everything in a folder beside the result, which appears at once
// and whole.
func (c *config) build() error {
	if err := os.MkdirAll(filepath.Dir(c.out), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(c.out), ".image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	b := &builder{config: c, work: work, result: filepath.Join(work, "result")}
	if err := os.Mkdir(b.result, 0o755); err != nil {
		return err
	}
	for _, step := range []func() error{b.fetch, b.compile, b.initramfs, b.uki, b.disk, b.forms, b.sbom, b.describe} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(c.out); err != nil {
		return err
	}
	return os.Rename(b.result, c.out)
}

// builder is a build under way.
type builder struct {
	*config
	work   string // temporary files
	result string // what will be in out

	packages []deb  // of Debian, as used
	release  string // of the kernel, for example 6.1.0-56-cloud-amd64
	tree     string // where the packages were unpacked
	layout   *layout
	parts    []file // what the image is made of
}
