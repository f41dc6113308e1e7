// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

// slotName finds the slot in the name of a boot entry, bess-a+2-1.efi. Some
// who write FAT make capitals of short names.
var slotName = regexp.MustCompile(`(?i)(?:^|[\\/])bess-([a-z])(?:\+[0-9]+(?:-[0-9]+)?)?\.efi$`)

// readSlot notes which of the images on the disk is running: "a" or "b", or
// "direct" when a hypervisor started the kernel itself.
func (b *box) readSlot() {
	slot := "direct"
	for _, name := range []string{"LoaderBootCountPath", "LoaderEntrySelected", "StubImageIdentifier", "LoaderImageIdentifier"} {
		if m := slotName.FindStringSubmatch(efiVariable(name)); m != nil {
			slot = strings.ToLower(m[1])
			break
		}
	}
	b.facts.set(func() { b.facts.state.Slot = slot })
	logf(notice, "slot %s, kernel %s", slot, b.facts.state.Kernel)
}

// bless tells the boot loader that this image works, by taking the counters
// off its name (systemd: Automatic Boot Assessment). An image that never gets
// here is given up after its tries.
func (b *box) bless() {
	counted := efiVariable("LoaderBootCountPath")
	if counted == "" { // blessed before, or started without a boot loader
		b.facts.good("slot")
		return
	}
	name, err := b.takeOffCounters(strings.ReplaceAll(counted, `\`, "/"))
	if err != nil {
		b.facts.bad("slot", "%s cannot be marked as good: %v: after its last try the other slot is started", counted, err)
		return
	}
	logf(notice, "%s is marked as good", name)
	b.facts.good("slot")
}

func (b *box) takeOffCounters(counted string) (string, error) {
	good := blessedName(counted)
	err := withESP(safe, func(dir string) error {
		return os.Rename(filepath.Join(dir, counted), filepath.Join(dir, good))
	})
	unix.Sync()
	return path.Base(good), err
}

// withESP does something with the partition that the machine started from.
func withESP(flags uintptr, do func(dir string) error) error {
	dev := ""
	for _, v := range volumes() {
		if v.part != 0 && v.entry.ID.String() == bootPartition() {
			dev = v.dev
		}
	}
	if dev == "" {
		return errNoESP
	}
	const at = "/run/esp"
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(dev, at, "vfat", flags, "umask=0077"); err != nil {
		return fmt.Errorf("mount %s: %w", dev, err)
	}
	defer func() { _ = unix.Unmount(at, 0) }()
	return do(at)
}

var counters = regexp.MustCompile(`(?i)\+[0-9]+(?:-[0-9]+)?\.efi$`)

// blessedName is the name of a boot entry without its counters.
func blessedName(counted string) string { return counters.ReplaceAllString(counted, ".efi") }

// utf16Text decodes a string of the firmware, which ends with a zero.
func utf16Text(raw []byte) string {
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) >= 2; raw = raw[2:] {
		u := binary.LittleEndian.Uint16(raw)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
