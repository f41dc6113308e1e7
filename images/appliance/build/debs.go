// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pinFile says which packages of Debian are in the image.
const pinFile = "images/appliance/packages.list"

// deb is a package of Debian.
type deb struct {
	Role    string `json:"role"` // kernel-cloud, kernel-full or boot
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Pinned  bool   `json:"pinned"` // as pinFile says; else the newest was taken
}

func (d deb) file() string {
	return d.Name + "_" + strings.ReplaceAll(d.Version, ":", "%3a") + "_amd64.deb"
}

// parsePins reads pinFile.
func parsePins(text string) (map[string]deb, error) {
	pins := map[string]deb{}
	for i, l := range strings.Split(text, "\n") {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		if len(f) != 4 || len(f[3]) != 64 {
			return nil, fmt.Errorf("%s:%d: %q: must be ROLE PACKAGE VERSION SHA256", pinFile, i+1, l)
		}
		if _, dup := pins[f[0]]; dup {
			return nil, fmt.Errorf("%s:%d: a second package for %s", pinFile, i+1, f[0])
		}
		pins[f[0]] = deb{f[0], f[1], f[2], f[3], true}
	}
	return pins, nil
}

// fetch downloads the packages, without installing them, and unpacks them.
func (b *builder) fetch() error {
	text, err := os.ReadFile(filepath.Join(b.root, pinFile))
	if err != nil {
		return err
	}
	pins, err := parsePins(string(text))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	b.tree = filepath.Join(b.work, "debian")
	for _, role := range []string{"kernel-" + b.kernel, "boot"} {
		d, ok := pins[role]
		if !ok {
			return fmt.Errorf("%s: there is no package for %s", pinFile, role)
		}
		if d, err = b.obtain(d); err != nil {
			return err
		}
		if err := b.run(b.work, "dpkg-deb", "-x", filepath.Join(b.cache, d.file()), b.tree); err != nil {
			return err
		}
		b.packages = append(b.packages, d)
	}
	kernels, _ := filepath.Glob(filepath.Join(b.tree, "boot/vmlinuz-*"))
	if len(kernels) != 1 {
		return fmt.Errorf("%s: %d kernels in it", b.packages[0].file(), len(kernels))
	}
	b.release = strings.TrimPrefix(filepath.Base(kernels[0]), "vmlinuz-")
	return nil
}

// obtain returns the package with its file in the cache, and its checksum
// compared.
func (b *builder) obtain(d deb) (deb, error) {
	err := b.download(d)
	if err != nil && b.newest && strings.HasPrefix(d.Role, "kernel-") {
		if d, err = newestKernel(d); err == nil {
			err = b.download(d)
		}
	}
	if err != nil {
		return d, fmt.Errorf("%w\nIf Debian has removed this version, write another into %s (apt-cache policy %s, sha256sum of the .deb),"+
			" or use the newest kernel for once: make image NEWEST=1", err, pinFile, d.Name)
	}
	sum, _, err := digest(filepath.Join(b.cache, d.file()))
	if err != nil {
		return d, err
	}
	if d.Pinned && sum != d.SHA256 {
		return d, fmt.Errorf("%s: its SHA-256 is %s, %s says %s: remove it if the download was cut, else do not trust it",
			filepath.Join(b.cache, d.file()), sum, pinFile, d.SHA256)
	}
	d.SHA256 = sum
	return d, nil
}

func (b *builder) download(d deb) error {
	if _, err := os.Stat(filepath.Join(b.cache, d.file())); err == nil {
		return nil
	}
	fmt.Printf("downloading %s %s\n", d.Name, d.Version)
	// As root, apt would go to a user that cannot write here.
	err := b.run(b.cache, "apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", d.Name+"="+d.Version)
	if err != nil {
		return fmt.Errorf("download %s %s: %w", d.Name, d.Version, err)
	}
	return nil
}

// newestKernel asks Debian's metapackage which kernel is the newest of the
// same line.
func newestKernel(pin deb) (deb, error) {
	meta := "linux-image-amd64"
	if pin.Role == "kernel-cloud" {
		meta = "linux-image-cloud-amd64"
	}
	out, err := exec.Command("apt-cache", "show", "--no-all-versions", meta).Output()
	if err != nil {
		return pin, fmt.Errorf("apt-cache show %s: %w", meta, err)
	}
	d := deb{Role: pin.Role}
	for _, l := range strings.Split(string(out), "\n") {
		if v, ok := strings.CutPrefix(l, "Depends: "); ok {
			d.Name, _, _ = strings.Cut(strings.Fields(v)[0], ",")
		}
		if v, ok := strings.CutPrefix(l, "Version: "); ok {
			d.Version = strings.TrimSpace(v)
		}
	}
	if d.Name == "" || d.Version == "" {
		return pin, fmt.Errorf("apt-cache show %s: no kernel in the answer", meta)
	}
	fmt.Printf("%s %s is not in the archive: %s %s is used, and the manifest says so\n", pin.Name, pin.Version, d.Name, d.Version)
	return d, nil
}
