// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
)

// Sizes in bytes.
const (
	mib = 1 << 20
	// dataSize is that of DATA as built; the first boot grows it.
	dataSize = 64 * mib
	// leastESP holds two images of the cloud kernel, a third while one is
	// replaced, and the boot loader.
	leastESP = 128 * mib
)

// slotFile is the image in the boot partition, with the number of times that
// it may be started before it must have marked itself as good.
const slotFile = "bess-a+3.efi"

// layout is the disk.
type layout struct {
	table     gpt.Table
	esp, data string // files with the partitions' content
}

// disk makes the disk image.
func (b *builder) disk() error {
	uki, err := os.Stat(filepath.Join(b.result, "bess.efi"))
	if err != nil {
		return err
	}
	espSize := max(leastESP, (3*uki.Size()+32*mib-1)/(64*mib)*(64*mib))
	l := &layout{table: plan(b.seedOf, uint64(espSize)), esp: filepath.Join(b.work, "esp"), data: filepath.Join(b.work, "data")}
	b.layout = l
	if err := b.makeESP(l.esp, espSize); err != nil {
		return err
	}
	if err := b.makeData(l.data, l.table.Partitions[1].ID); err != nil {
		return err
	}
	return l.assemble(filepath.Join(b.result, "bess-appliance.raw"))
}

// seedOf returns a GUID for something of this build: the same for the same
// version and time.
func (b *builder) seedOf(name string) gpt.GUID {
	sum := sha256.Sum256(fmt.Appendf(nil, "bess-appliance %s %s %d %s", b.version, b.kernel, b.epoch, name))
	var g gpt.GUID
	copy(g[:], sum[:])
	g[6], g[8] = g[6]&0x0f|0x80, g[8]&0x3f|0x80 // RFC 9562: version 8, custom
	return g
}

// plan lays out the disk: both partitions on whole MiB, one MiB behind them
// for the table's copy.
func plan(id func(string) gpt.GUID, espSize uint64) gpt.Table {
	const align = mib / gpt.Sector
	esp := gpt.Partition{Type: gpt.TypeESP, ID: id("ESP"), Name: "ESP", First: align, Last: align + espSize/gpt.Sector - 1}
	data := gpt.Partition{Type: gpt.TypeLinux, ID: id("DATA"), Name: "DATA", First: esp.Last + 1, Last: esp.Last + dataSize/gpt.Sector}
	return gpt.Table{ID: id("disk"), Sectors: data.Last + 1 + align, Partitions: []gpt.Partition{esp, data}}
}

// makeESP makes the boot partition: systemd-boot and the image in slot a.
// Slot b is free until an update fills it.
func (b *builder) makeESP(to string, size int64) error {
	if err := emptyFile(to, size); err != nil {
		return err
	}
	id := b.seedOf("fat")
	err := b.run(b.work, "mkfs.fat", "-F", "32", "-S", "512", "-s", "1", "-n", "ESP", "-i", fmt.Sprintf("%x", id[:4]), "--invariant", to)
	if err != nil {
		return err
	}
	conf := filepath.Join(b.work, "loader.conf")
	if err := os.WriteFile(conf, []byte("timeout 0\neditor no\nauto-entries no\n"), 0o644); err != nil {
		return err
	}
	loader := filepath.Join(b.tree, loaderFile)
	if err := b.run(b.work, "mmd", "-i", to, "::/EFI", "::/EFI/BOOT", "::/EFI/Linux", "::/EFI/systemd", "::/loader"); err != nil {
		return err
	}
	for _, f := range [][2]string{
		{loader, "::/EFI/BOOT/BOOTX64.EFI"},
		{loader, "::/EFI/systemd/systemd-bootx64.efi"},
		{conf, "::/loader/loader.conf"},
		{filepath.Join(b.result, "bess.efi"), "::/EFI/Linux/" + slotFile},
	} {
		if err := b.run(b.work, "mcopy", "-i", to, f[0], f[1]); err != nil {
			return err
		}
	}
	return nil
}

// makeData makes an empty file system that can grow to 1024 times its size
// while it is in use.
func (b *builder) makeData(to string, id gpt.GUID) error {
	if err := emptyFile(to, dataSize); err != nil {
		return err
	}
	return b.run(b.work, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-i", "16384", "-m", "0", "-L", "DATA",
		"-J", "size=4", "-U", id.String(), "-O", "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"+
			"sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum",
		"-E", "hash_seed="+id.String()+",root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard,resize="+strconv.Itoa(1024*dataSize/4096), to)
}

// assemble writes the whole disk, with holes where there is nothing.
func (l *layout) assemble(to string) error {
	if err := emptyFile(to, int64(l.table.Sectors)*gpt.Sector); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for i, from := range []string{l.esp, l.data} {
		if err := copySparse(f, int64(l.table.Partitions[i].First)*gpt.Sector, from); err != nil {
			return err
		}
	}
	if err := l.table.Write(f); err != nil {
		return err
	}
	return f.Close()
}

func emptyFile(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// copySparse writes the content of a file at an offset, and leaves out zeros.
func copySparse(to io.WriterAt, at int64, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	buf, zero := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(f, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, err := to.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// forms makes the other forms of the disk image.
func (b *builder) forms() error {
	raw := filepath.Join(b.result, "bess-appliance.raw")
	if err := b.run(b.result, "qemu-img", "convert", "-q", "-m", "1", "-f", "raw", "-O", "qcow2", raw, "bess-appliance.qcow2"); err != nil {
		return err
	}
	return b.run(b.result, "zstd", "-q", "-9", "-T1", "--no-progress", "-k", "-o", "bess-appliance.raw.zst", raw)
}
