// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Image is a folder that the image builder has filled.
type Image struct{ Dir string }

// Build builds an image from the sources of the repository at root.
func Build(root, dir string) (Image, error) {
	cmd := exec.Command("go", "run", "./images/appliance/build", "-out", dir, "-version", "v0-boottest", "-epoch", "1700000000")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return Image{}, fmt.Errorf("build the image: %w\n%s", err, out)
	}
	return Image{dir}, nil
}

// File returns the path of one of the image's files.
func (i Image) File(name string) string { return filepath.Join(i.Dir, name) }

// Direct sets up a machine that starts the image's kernel itself, which is
// faster than going through the firmware.
func (i Image) Direct(c Config) Config {
	c.Kernel, c.Initrd = i.File("vmlinuz"), i.File("initrd.img")
	c.CommandLine = "console=ttyS0,115200 quiet panic=10"
	return c
}

// NewDisk makes a disk of an image at a path, as large as the image says, in
// bytes at least size.
func (i Image) NewDisk(file string, size int64) error {
	if out, err := exec.Command("cp", "--sparse=always", i.File("bess-appliance.raw"), file).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	out, err := exec.Command("qemu-img", "resize", "-q", "-f", "raw", file, fmt.Sprint(size)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img: %w\n%s", err, out)
	}
	return nil
}
