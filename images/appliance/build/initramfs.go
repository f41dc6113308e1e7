// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bessform/terraform-provider-bess/images/appliance/kmod"
	"github.com/bessform/terraform-provider-bess/images/internal/cpio"
)

// moduleFile says which kernel modules are in the image.
const moduleFile = "images/appliance/modules.list"

// parseModules returns the patterns for a kernel: lines of "all" and its own.
func parseModules(text, kernel string) (list []string, err error) {
	for i, l := range strings.Split(text, "\n") {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		switch {
		case len(f) == 0:
		case len(f) != 2 || f[0] != "all" && f[0] != "cloud" && f[0] != "full":
			return nil, fmt.Errorf("%s:%d: %q: must be all, cloud or full, and a pattern", moduleFile, i+1, l)
		case f[0] == "all" || f[0] == kernel:
			list = append(list, path.Join("kernel", f[1])+trailing(f[1]))
		}
	}
	return list, nil
}

// trailing returns the slash that path.Join takes off.
func trailing(pattern string) string {
	if strings.HasSuffix(pattern, "/") {
		return "/"
	}
	return ""
}

// initramfs makes the file system that the kernel starts with, and keeps.
func (b *builder) initramfs() error {
	a := cpio.New(b.epoch)
	for _, dir := range []string{"bin", "data", "dev", "etc", "lib", "lib/modules", "proc", "run", "sys", "tmp"} {
		a.Dir(dir)
	}
	for from, to := range map[string]string{"/run/bess/resolv.conf": "etc/resolv.conf"} {
		a.Link(to, from)
	}
	a.File("etc/os-release", 0o644, b.osRelease())
	a.File("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	for from, to := range map[string]string{"init": "init", "bessd": "bin/bessd"} {
		text, err := os.ReadFile(filepath.Join(b.work, from))
		if err != nil {
			return err
		}
		a.File(to, 0o755, text)
	}
	if err := b.modules(a); err != nil {
		return err
	}
	raw := filepath.Join(b.work, "initrd.cpio")
	if err := os.WriteFile(raw, a.Bytes(), 0o644); err != nil {
		return err
	}
	to := filepath.Join(b.result, "initrd.img")
	if err := b.run(b.work, "zstd", "-q", "-9", "-T1", "--no-progress", "-o", to, raw); err != nil {
		return err
	}
	kernel := filepath.Join(b.result, "vmlinuz")
	if err := copyFile(filepath.Join(b.tree, "boot/vmlinuz-"+b.release), kernel); err != nil {
		return err
	}
	if err := b.part("vmlinuz", kernel); err != nil {
		return err
	}
	return b.part("initrd.img", to)
}

// modules adds the kernel modules of moduleFile, and their index.
func (b *builder) modules(a *cpio.Archive) error {
	text, err := os.ReadFile(filepath.Join(b.root, moduleFile))
	if err != nil {
		return err
	}
	patterns, err := parseModules(string(text), b.kernel)
	if err != nil {
		return err
	}
	dir := path.Join("lib/modules", b.release)
	tree, err := kmod.Scan(filepath.Join(b.tree, dir))
	if err != nil {
		return err
	}
	names, err := tree.Select(patterns)
	if err != nil {
		return fmt.Errorf("%s: %w", moduleFile, err)
	}
	a.Dir(dir)
	made := map[string]bool{".": true}
	for _, n := range names {
		file := tree.File(n)
		for _, d := range parents(file) {
			if !made[d] {
				made[d] = true
				a.Dir(path.Join(dir, d))
			}
		}
		text, err := os.ReadFile(filepath.Join(tree.Root, file))
		if err != nil {
			return err
		}
		a.File(path.Join(dir, file), 0o644, text)
	}
	var dep, alias bytes.Buffer
	if err := tree.WriteIndex(names, &dep, &alias); err != nil {
		return err
	}
	a.File(path.Join(dir, "modules.dep"), 0o644, dep.Bytes())
	a.File(path.Join(dir, "modules.alias"), 0o644, alias.Bytes())
	return nil
}

// parents returns the folders of a relative path, outermost first.
func parents(file string) (list []string) {
	for d := path.Dir(file); d != "."; d = path.Dir(d) {
		list = append(list, d)
	}
	slices.Reverse(list)
	return list
}

func (b *builder) osRelease() []byte {
	return fmt.Appendf(nil, "ID=bess\nNAME=\"BESS appliance\"\nPRETTY_NAME=\"BESS appliance %s\"\nIMAGE_ID=bess-appliance\nIMAGE_VERSION=%s\nVERSION_ID=%s\n",
		b.version, b.version, b.version)
}
