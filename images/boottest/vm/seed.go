// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// SeedPrograms are what WriteSeed needs.
var SeedPrograms = []string{"mkfs.fat", "mcopy"}

// WriteSeed makes a FAT volume with a label and files at its root: the disk
// that tells a machine what it is.
func WriteSeed(file, label string, files map[string]string) error {
	mkfs, err := exec.LookPath("mkfs.fat")
	if err != nil {
		mkfs = "/usr/sbin/mkfs.fat"
	}
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if out, err := exec.Command(mkfs, "-n", label, "-C", file, "4096").CombinedOutput(); err != nil { // KiB
		return fmt.Errorf("mkfs.fat: %w\n%s", err, out)
	}
	dir, err := os.MkdirTemp("", "seed")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, text := range files {
		from := filepath.Join(dir, name)
		if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
			return err
		}
		if out, err := exec.Command("mcopy", "-i", file, from, "::/"+name).CombinedOutput(); err != nil {
			return fmt.Errorf("mcopy %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
