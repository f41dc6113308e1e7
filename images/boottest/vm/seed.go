// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// SeedPrograms are what WriteSeed and WriteISO need.
var SeedPrograms = []string{"mkfs.fat", "mcopy", "genisoimage"}

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
	dir, err := folder(files)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name := range files {
		from := filepath.Join(dir, name)
		if out, err := exec.Command("mcopy", "-i", file, from, "::/"+name).CombinedOutput(); err != nil {
			return fmt.Errorf("mcopy %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// WriteISO makes an ISO 9660 volume with a label and files at its root: a CD
// as hypervisors give machines.
func WriteISO(file, label string, files map[string]string) error {
	dir, err := folder(files)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if out, err := exec.Command("genisoimage", "-quiet", "-V", label, "-J", "-r", "-o", file, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("genisoimage: %w\n%s", err, out)
	}
	return nil
}

// folder makes a temporary folder with files.
func folder(files map[string]string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "seed"); err != nil {
		return "", err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			_ = os.RemoveAll(dir)
			return "", err
		}
	}
	return dir, nil
}
