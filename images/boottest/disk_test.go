// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// dataDisk is the disk of a box that is switched off.
type dataDisk struct {
	t    *testing.T
	file string
	copy string // of its partition DATA
}

func newDisk(t *testing.T, i vm.Image) *dataDisk {
	t.Helper()
	need.Programs(t, "debugfs", "e2fsck")
	dir := t.TempDir()
	d := &dataDisk{t, filepath.Join(dir, "disk"), filepath.Join(dir, "data")}
	if err := i.NewDisk(d.file, gib/2); err != nil {
		t.Fatal(err)
	}
	return d
}

// vm is the disk as a machine has it.
func (d *dataDisk) vm() vm.Disk { return vm.Disk{File: d.file, Format: "raw", Keep: true} }

// open opens the disk and reads its table of partitions.
func (d *dataDisk) open() (*os.File, *gpt.Table) {
	d.t.Helper()
	f, err := os.OpenFile(d.file, os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		d.t.Fatal(err)
	}
	table, err := gpt.Read(f, uint64(info.Size())/gpt.Sector)
	if err != nil {
		d.t.Fatal(err)
	}
	return f, table
}

// find returns the index of a partition.
func (d *dataDisk) find(table *gpt.Table, name string) int {
	d.t.Helper()
	i := slices.IndexFunc(table.Partitions, func(p gpt.Partition) bool { return p.Name == name })
	if i < 0 {
		d.t.Fatalf("the disk has no partition %s", name)
	}
	return i
}

// partition opens the disk and finds a partition in it: its place and size in
// bytes.
func (d *dataDisk) partition(name string) (f *os.File, at, size int64) {
	d.t.Helper()
	f, table := d.open()
	p := table.Partitions[d.find(table, name)]
	return f, int64(p.First) * gpt.Sector, int64(p.Sectors()) * gpt.Sector
}

// drop takes a partition off the table.
func (d *dataDisk) drop(name string) {
	d.t.Helper()
	f, table := d.open()
	defer func() { _ = f.Close() }()
	table.Partitions[d.find(table, name)] = gpt.Partition{}
	if err := table.Write(f); err != nil {
		d.t.Fatal(err)
	}
}

// digest is the SHA-256 of the whole disk.
func (d *dataDisk) digest() [sha256.Size]byte {
	d.t.Helper()
	f, _ := d.open()
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		d.t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// read copies DATA out of the disk.
func (d *dataDisk) read() {
	d.t.Helper()
	f, at, size := d.partition("DATA")
	defer func() { _ = f.Close() }()
	to, err := os.Create(d.copy)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	if _, err := io.Copy(to, io.NewSectionReader(f, at, size)); err != nil {
		d.t.Fatal(err)
	}
}

// write copies DATA back into the disk.
func (d *dataDisk) write() {
	d.t.Helper()
	f, at, _ := d.partition("DATA")
	defer func() { _ = f.Close() }()
	from, err := os.Open(d.copy)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	if _, err := io.Copy(io.NewOffsetWriter(f, at), from); err != nil {
		d.t.Fatal(err)
	}
}

// tool finds a program of e2fsprogs.
func tool(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	return "/usr/sbin/" + name
}

// clean fails the test unless the file system of DATA is in order.
func (d *dataDisk) clean() {
	d.t.Helper()
	d.read()
	if out, err := exec.Command(tool("e2fsck"), "-f", "-n", d.copy).CombinedOutput(); err != nil {
		d.t.Errorf("e2fsck: %v\n%s", err, out)
	}
}

// debugfs works on the copy of DATA, in the folder of the store.
func (d *dataDisk) debugfs(format string, args ...any) string {
	d.t.Helper()
	commands := d.copy + ".commands"
	command := fmt.Sprintf(format, args...)
	if err := os.WriteFile(commands, []byte("cd /store\n"+command+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.Command(tool("debugfs"), "-w", "-f", commands, d.copy)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	_, said, _ := strings.Cut(trouble.String(), "\n") // its version comes first
	if err != nil || said != "" {
		d.t.Fatalf("debugfs %s: %v\n%s%s", command, err, out, trouble.String())
	}
	return string(out)
}

// generations returns the names of the files of the store, the oldest first.
func (d *dataDisk) generations() (names []string) {
	d.t.Helper()
	for _, name := range d.stored() {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	return names
}

// stored returns the names of all files of the store.
func (d *dataDisk) stored() (names []string) {
	d.t.Helper()
	for _, f := range strings.Fields(d.debugfs("ls -p")) { // /inode/mode/uid/gid/name/size/
		if part := strings.Split(f, "/"); len(part) > 5 && strings.HasPrefix(part[5], "generation-") {
			names = append(names, part[5])
		}
	}
	slices.Sort(names)
	return names
}

// content returns that of a file in a folder.
func (d *dataDisk) content(dir, name string) string {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "content")
	d.debugfs("cd %s\ndump %s %s", dir, name, file)
	text, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	return string(text)
}

// flip changes bytes in the middle of a file of the store.
func (d *dataDisk) flip(name string) {
	d.t.Helper()
	text := []byte(d.content("/store", name))
	if len(text) < 16 {
		d.t.Fatalf("%s: %d bytes", name, len(text))
	}
	for i := len(text) / 2; i < len(text)/2+8; i++ {
		text[i] ^= 0x55
	}
	file := filepath.Join(d.t.TempDir(), "flipped")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.remove(name)
	d.debugfs("write %s %s", file, name)
}

// remove removes a file of the store.
func (d *dataDisk) remove(name string) { d.t.Helper(); d.debugfs("rm %s", name) }

// destroy takes away what makes DATA a file system.
func (d *dataDisk) destroy() {
	d.t.Helper()
	f, at, _ := d.partition("DATA")
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt(make([]byte, 64<<10), at); err != nil {
		d.t.Fatal(err)
	}
}
