// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
)

// DataName is the name of the partition that keeps what the box knows.
const dataName = "DATA"

// openData mounts DATA, grown to what the disk has. Without a usable one the
// box keeps everything in memory: never is anything formatted or repaired,
// because what is there may be all that is left.
func (b *box) openData(vols []volume) {
	v, why := findData(vols)
	if v != nil {
		b.disk = v.disk
		grown, err := growPartition(v)
		if err != nil {
			logf(warning, "%s: the partition cannot grow: %v", v.dev, err)
		}
		err = unix.Mount(v.dev, dataDir, "ext4", safe|unix.MS_NOATIME, "errors=remount-ro,commit=1")
		if err == nil {
			b.data = v
			if err := growFileSystem(v.dev); err != nil {
				logf(warning, "%s: the file system cannot grow: %v", v.dev, err)
			} else if grown {
				logf(notice, "%s has grown to the size of the disk", v.dev)
			}
			why = b.checkData()
		} else {
			why = fmt.Sprintf("%s: mount: %v: repair it elsewhere (e2fsck) or write the image anew", v.dev, err)
		}
	}
	if b.data == nil {
		_ = unix.Mount("tmpfs", dataDir, "tmpfs", safe, "mode=0755,size=25%")
	}
	for _, dir := range []string{storeDir, identityDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			why = fmt.Sprintf("%s: %v", dir, err)
		}
	}
	if why != "" {
		b.facts.bad("data", "%s; nothing is kept over a reboot", why)
		return
	}
	b.facts.good("data")
}

// findData returns the partition to use, or why there is none.
func findData(vols []volume) (*volume, string) {
	var found []*volume
	booted := bootPartition()
	var disk string
	for i := range vols {
		v := &vols[i]
		if v.isData() {
			found = append(found, v)
		}
		if v.part != 0 && v.entry.ID.String() == booted {
			disk = v.disk
		}
	}
	for _, v := range found {
		if v.disk == disk {
			return v, ""
		}
	}
	switch {
	case len(found) == 0:
		why := "no disk has a partition named " + dataName
		for _, v := range vols {
			if v.problem != "" {
				why += "; " + v.dev + ": " + v.problem
			}
		}
		return nil, why
	case len(found) > 1:
		logf(warning, "%d partitions are named %s; %s is used", len(found), dataName, found[0].dev)
	}
	return found[0], ""
}

// checkData reports what keeps a mounted DATA from being written.
func (b *box) checkData() string {
	probe := filepath.Join(dataDir, ".probe")
	if err := writeFile(probe, []byte(version), 0o600); err != nil {
		_ = unix.Unmount(dataDir, unix.MNT_DETACH)
		dev := b.data.dev
		b.data = nil
		return fmt.Sprintf("%s: it cannot be written: %v", dev, err)
	}
	_ = os.Remove(probe)
	return ""
}

// growPartition moves the end of the partition to that of the disk.
func growPartition(v *volume) (bool, error) {
	f, err := os.OpenFile(v.disk, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	size := sectors("/sys/block/" + filepath.Base(v.disk))
	t, err := gpt.Read(f, size)
	if err != nil {
		return false, err
	}
	grown, err := t.Grow(v.part, size)
	if err != nil || !grown {
		return false, err
	}
	if err := t.Write(f); err != nil {
		return false, err
	}
	if err := f.Sync(); err != nil {
		return false, err
	}
	return true, tellKernel(f, v.part, t.Partitions[v.part-1])
}

// tellKernel changes the size of a partition in use (linux/blkpg.h).
func tellKernel(disk *os.File, number int, p gpt.Partition) error {
	const (
		blkpg          = 0x1269
		resize         = 3
		partitionBytes = 152
	)
	type partition struct {
		start, length int64
		number        int32
		names         [128]byte
		_             int32
	}
	part := partition{start: int64(p.First) * gpt.Sector, length: int64(p.Sectors()) * gpt.Sector, number: int32(number)}
	arg := struct {
		op, flags, length int32
		data              unsafe.Pointer
	}{resize, 0, partitionBytes, unsafe.Pointer(&part)}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), blkpg, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("resize partition %d: %w", number, e)
	}
	return nil
}

// growFileSystem makes a mounted ext4 as large as its partition.
func growFileSystem(dev string) error {
	size := sectors(filepath.Join("/sys/class/block", filepath.Base(dev)))
	dir, err := os.Open(dataDir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return err
	}
	super, err := superBlocks(dev)
	if err != nil {
		return err
	}
	const resizeFS = 0x40086610 // EXT4_IOC_RESIZE_FS, fs/ext4/ext4.h
	blocks := size * gpt.Sector / uint64(st.Bsize)
	if blocks <= super {
		return nil
	}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), resizeFS, uintptr(unsafe.Pointer(&blocks))); e != 0 {
		return fmt.Errorf("to %d blocks: %w", blocks, e)
	}
	return nil
}

// superBlocks returns the size that an ext4 file system says it has, in its
// blocks.
func superBlocks(dev string) (uint64, error) {
	f, err := os.Open(dev)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, 1024)
	if _, err := f.ReadAt(b, 1024); err != nil {
		return 0, err
	}
	le := func(at int) uint64 {
		return uint64(b[at]) | uint64(b[at+1])<<8 | uint64(b[at+2])<<16 | uint64(b[at+3])<<24
	}
	return le(0x4) | le(0x150)<<32, nil // s_blocks_count_lo and _hi
}

// closeData unmounts DATA.
func (b *box) closeData() {
	if b.data == nil {
		return
	}
	if err := unix.Unmount(dataDir, 0); err != nil {
		logf(warning, "unmount %s: %v", dataDir, err)
		_ = unix.Mount("", dataDir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
}

// efiVariable reads a variable of the boot loader (systemd: The Boot Loader
// Interface), "" if there is none.
func efiVariable(name string) string {
	raw, err := os.ReadFile("/sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")
	if err != nil || len(raw) < 4 {
		return ""
	}
	return utf16Text(raw[4:]) // the first four bytes are attributes
}

// bootPartition returns the GUID of the partition that the machine started
// from, "" if it did not start from one.
func bootPartition() string { return strings.ToLower(efiVariable("LoaderDevicePartUUID")) }

var errNoESP = errors.New("the partition that the machine started from is not there")
