// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"debug/pe"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// archiveOf is a cpio archive with one program, in the form that the kernel
// unpacks over what came before it.
func archiveOf(name string, program []byte) []byte {
	var b bytes.Buffer
	add := func(ino, mode int, name string, data []byte) {
		fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
		b.Write(make([]byte, -b.Len()&3))
		b.Write(data)
		b.Write(make([]byte, -b.Len()&3))
	}
	add(1, 0o100755, name, program)
	add(0, 0, "TRAILER!!!", nil)
	return b.Bytes()
}

// broken makes the file of a slot whose bessd hangs.
func broken(t *testing.T, i vm.Image) string {
	t.Helper()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("go", "build", "-ldflags", "-s -w", "-o", path("hang"), "./testdata/hang")
	program, err := os.ReadFile(path("hang"))
	if err != nil {
		t.Fatal(err)
	}
	initrd, err := os.ReadFile(i.File("initrd.img"))
	if err != nil {
		t.Fatal(err)
	}
	initrd = append(initrd, make([]byte, -len(initrd)&3)...)
	initrd = append(initrd, archiveOf("bin/bessd", program)...)
	if err := os.WriteFile(path("initrd"), initrd, 0o600); err != nil {
		t.Fatal(err)
	}
	// The kernel is behind the archive, so that it has to make room.
	from := i.File("bess.efi")
	at, align := addressOf(t, from, ".initrd")
	next := (at + uint64(len(initrd)) + align - 1) / align * align
	run("objcopy", "--remove-section", ".initrd", "--remove-section", ".linux", from, path("stub"))
	run("objcopy", "--add-section", ".initrd="+path("initrd"), "--change-section-vma", fmt.Sprintf(".initrd=%#x", at),
		"--add-section", ".linux="+i.File("vmlinuz"), "--change-section-vma", fmt.Sprintf(".linux=%#x", next), path("stub"), path("broken.efi"))
	return path("broken.efi")
}

// addressOf returns where a section of an EFI program is, and how sections are
// aligned.
func addressOf(t *testing.T, file, section string) (at, align uint64) {
	t.Helper()
	f, err := pe.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	h, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	s := f.Section(section)
	if !ok || s == nil {
		t.Fatalf("%s has no section %s", file, section)
	}
	return h.ImageBase + uint64(s.VirtualAddress), uint64(h.SectionAlignment)
}

// An update whose bessd hangs is given up after its tries: the machine starts
// again, by itself, with the image that it had before.
func TestSlotFallback(t *testing.T) {
	full(t)
	need.File(t, "/usr/share/OVMF/OVMF_CODE.fd")
	i := image(t)
	disk := newDisk(t, i)
	f, at, _ := disk.partition("ESP")
	_ = f.Close()
	esp := fmt.Sprintf("%s@@%d", disk.file, at)
	for _, c := range [][]string{
		{"mren", "-i", esp, "::/EFI/Linux/bess-a+3.efi", "bess-a.efi"}, // it has worked
		{"mcopy", "-i", esp, broken(t, i), "::/EFI/Linux/bess-b+1.efi"},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	began := time.Now()
	m, ctx := start(t, vm.Config{Firmware: vm.OVMF(), Disks: []vm.Disk{disk.vm()}, NICs: []vm.NIC{{}}})
	must(ctx, t, m, `(?s)going down.*init: slot a, kernel 6\.1\..*init: bessd answers`)
	took(t, "power on to fallback, UEFI", began)
	for _, line := range []string{
		`init: slot b, kernel 6\.1\.`,
		`init: ERROR: bessd hangs: it has said nothing for 1m0s; it is aborted`,
		`(?s)bessd: SIGABRT: abort.*bessd: main\.main\(\)`,
		`init: ERROR: slot: bess-b\+0-1\.efi does not work: bessd has ended 3 times; the machine starts again, to go back to (?i:bess-a\.efi)`,
	} {
		shows(t, m, line)
	}
	if err := m.PowerButton(); err != nil {
		t.Fatal(err)
	}
	if err := m.WaitEnd(ctx); err != nil {
		t.Fatal(err)
	}
	disk.clean()
}
