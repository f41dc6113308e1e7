// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/pe"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// commandLine is the kernel's. The last console is the one that programs see;
// init prints to all.
const commandLine = "console=tty0 console=ttyS0,115200 quiet panic=10"

// Of systemd-boot-efi.
const (
	stubFile   = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
	loaderFile = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
)

// uki packs kernel, initramfs and command line into one EFI program (UAPI
// group specification: Unified Kernel Image).
func (b *builder) uki() error {
	stub := filepath.Join(b.tree, stubFile)
	vma, align, err := endOf(stub)
	if err != nil {
		return err
	}
	args := []string{}
	for _, s := range []struct {
		section string
		text    []byte // or
		file    string
	}{
		{".osrel", b.osRelease(), ""},
		{".cmdline", []byte(commandLine), ""},
		{".uname", []byte(b.release), ""},
		{".initrd", nil, filepath.Join(b.result, "initrd.img")},
		{".linux", nil, filepath.Join(b.result, "vmlinuz")}, // last: it unpacks itself behind its end
	} {
		if s.file == "" {
			s.file = filepath.Join(b.work, "section"+s.section)
			if err := os.WriteFile(s.file, s.text, 0o644); err != nil {
				return err
			}
		}
		info, err := os.Stat(s.file)
		if err != nil {
			return err
		}
		args = append(args, "--add-section", s.section+"="+s.file, "--change-section-vma", s.section+"=0x"+strconv.FormatUint(vma, 16))
		vma += (uint64(info.Size()) + align - 1) / align * align
	}
	to := filepath.Join(b.result, "bess.efi")
	if err := b.run(b.work, "objcopy", append(args, stub, to)...); err != nil {
		return err
	}
	if err := setTime(to, b.epoch); err != nil {
		return err
	}
	return b.part("bess.efi", to)
}

// endOf returns where the sections of an EFI program end, and how they are
// aligned.
func endOf(name string) (end, align uint64, err error) {
	f, err := pe.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	h, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || h.SectionAlignment == 0 {
		return 0, 0, fmt.Errorf("%s: not a 64-bit EFI program", name)
	}
	align = uint64(h.SectionAlignment)
	for _, s := range f.Sections {
		end = max(end, h.ImageBase+uint64(s.VirtualAddress)+uint64(s.VirtualSize))
	}
	return (end + align - 1) / align * align, align, nil
}

// setTime sets the time in the header of an EFI program, where objcopy writes
// that of the build, and takes off the checksum that it is part of. Firmware
// looks at neither.
func setTime(name string, epoch int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var at, stamp, none [4]byte
	if _, err := f.ReadAt(at[:], 0x3c); err != nil {
		return err
	}
	header := int64(binary.LittleEndian.Uint32(at[:]))
	binary.LittleEndian.PutUint32(stamp[:], uint32(epoch))
	if _, err := f.WriteAt(stamp[:], header+8); err != nil {
		return err
	}
	_, err = f.WriteAt(none[:], header+24+64) // behind the file header, in the optional one
	return err
}
