// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/images/appliance/kmod"
)

// always are modules that no device asks for. What a kernel has built in is
// not in the index.
var always = []string{"crc32c_generic", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "isofs", "efivarfs", "evdev", "button", "tun", "veth",
	"ext4"}

// loadModules loads the drivers of all devices there are, until no driver
// brings up another device.
func (b *box) loadModules() {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	kernel := strings.TrimSpace(string(release))
	b.facts.set(func() { b.facts.state.Kernel = kernel })
	dir := filepath.Join("/lib/modules", kernel)
	x, err2 := kmod.Load(dir)
	if err = errors.Join(err, err2); err != nil {
		b.facts.bad("drivers", "kernel %s: %v", kernel, err)
		return
	}
	l := &loader{x: x, dir: dir, loaded: map[string]bool{}}
	b.drivers = l
	for _, name := range always {
		if x.Has(name) {
			l.load(name)
		}
	}
	l.forDevices()
	if _, err := os.Stat("/dev/watchdog"); err != nil && x.Has("softdog") { // no hardware has one
		l.load("softdog")
	}
	if len(l.failed) > 0 {
		b.facts.bad("drivers", "%s", strings.Join(l.failed, "; "))
	} else {
		b.facts.good("drivers")
	}
	_ = unix.Mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", safe, "")
}

// modaliases returns what the devices say of themselves.
func modaliases() (list []string) {
	_ = filepath.WalkDir("/sys/devices", func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "modalias" {
			if text, err := os.ReadFile(file); err == nil {
				list = append(list, strings.TrimSpace(string(text)))
			}
		}
		return nil // a device may leave while we look
	})
	return list
}

type loader struct {
	x      *kmod.Index
	dir    string
	loaded map[string]bool
	failed []string
}

// forDevices loads the drivers of all devices there are.
func (l *loader) forDevices() {
	for more := true; more; {
		more = false
		for _, m := range modaliases() {
			for _, name := range l.x.Match(m) {
				more = l.load(name) || more
			}
		}
	}
}

// load loads a module and what it needs, and reports whether that was news.
func (l *loader) load(name string) bool {
	if l.loaded[name] {
		return false
	}
	order, err := l.x.Order(name)
	if err != nil {
		l.loaded[name] = true
		l.failed = append(l.failed, err.Error())
		return false
	}
	for _, n := range order {
		if l.loaded[n] {
			continue
		}
		l.loaded[n] = true
		if err := insert(filepath.Join(l.dir, l.x.Path(n))); err != nil && !errors.Is(err, unix.EEXIST) {
			if errors.Is(err, unix.ENODEV) { // its device is another than it seemed
				continue
			}
			l.failed = append(l.failed, "module "+n+": "+err.Error())
		}
	}
	return true
}

func insert(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return unix.FinitModule(int(f.Fd()), "", 0)
}
