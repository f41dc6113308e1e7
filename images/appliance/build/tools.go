// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// tools are the programs used, with the Debian packages that have them.
var tools = [][2]string{
	{"go", "Go"}, {"apt-get", "apt"}, {"dpkg-deb", "dpkg"}, {"objcopy", "binutils"}, {"mkfs.fat", "dosfstools"},
	{"mcopy", "mtools"}, {"mke2fs", "e2fsprogs"}, {"zstd", "zstd"}, {"qemu-img", "qemu-utils"},
}

// missingTools returns the packages that are not installed.
func missingTools() (list []string) {
	for _, t := range tools {
		if _, err := lookPath(t[0]); err != nil {
			list = append(list, t[1])
		}
	}
	return list
}

func needTools() error {
	if m := missingTools(); len(m) > 0 {
		return fmt.Errorf("these packages are missing: %s; on Debian make deps-image installs them", strings.Join(m, ", "))
	}
	return nil
}

// lookPath finds a program, also where only root's PATH leads.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if p, err := exec.LookPath(dir + name); err == nil {
			return p, nil
		}
	}
	return "", err
}

// run runs a program in an environment that is the same everywhere.
func (b *builder) run(dir string, name string, args ...string) error {
	path, err := lookPath(name)
	if err != nil {
		return err
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	epoch := strconv.FormatInt(b.epoch, 10)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "SOURCE_DATE_EPOCH="+epoch, "E2FSPROGS_FAKE_TIME="+epoch,
		"MKE2FS_CONFIG=/dev/null", "MTOOLS_SKIP_CHECK=1", "ZSTD_CLEVEL=", "ZSTD_NBTHREADS=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(out.String()))
	}
	return nil
}
