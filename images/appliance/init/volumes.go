// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
)

// volume is a disk, or a partition of one.
type volume struct {
	dev   string // /dev/vda2
	disk  string // /dev/vda; that of the volume itself if it is a whole disk
	part  int    // number of the partition, 0 for a whole disk
	entry gpt.Partition
	kind  string // file system: vfat, iso9660 or ext4; "" if unknown
	label string // of the file system
	// problem is why the partition table of a whole disk cannot be used; "" if
	// it can, and if there is none.
	problem string
}

// volumes returns all disks and partitions, in the order of their names.
func volumes() (list []volume) {
	disks, _ := filepath.Glob("/sys/block/*")
	slices.Sort(disks)
	for _, d := range disks {
		name := filepath.Base(d)
		if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || sectors(d) == 0 {
			continue
		}
		table, problem := readTable("/dev/"+name, sectors(d))
		list = append(list, identify(volume{dev: "/dev/" + name, disk: "/dev/" + name, problem: problem}))
		parts, _ := filepath.Glob(d + "/*/partition")
		slices.Sort(parts)
		for _, p := range parts {
			text, _ := os.ReadFile(p)
			n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			v := volume{dev: "/dev/" + filepath.Base(filepath.Dir(p)), disk: "/dev/" + name, part: n}
			if table != nil && n >= 1 && n <= len(table.Partitions) {
				v.entry = table.Partitions[n-1]
			}
			list = append(list, identify(v))
		}
	}
	return list
}

// How long disks that are searched for in the background may take.
const (
	diskTime   = 30 * time.Second
	diskSettle = time.Second
)

// findVolumes returns all volumes. Those behind SCSI, ATA and NVMe controllers
// are found by the kernel in the background: with one of those it waits until
// there is a DATA, and no more disks come.
func (b *box) findVolumes() []volume {
	end, count, since := time.Now().Add(diskTime), -1, time.Now()
	for {
		if b.drivers != nil {
			b.drivers.forDevices() // a disk that has been found needs its own driver
		}
		disks, _ := filepath.Glob("/sys/class/block/*")
		if len(disks) != count {
			count, since = len(disks), time.Now()
		}
		background := false
		for _, class := range []string{"scsi_host", "nvme"} {
			list, _ := filepath.Glob("/sys/class/" + class + "/*")
			background = background || len(list) > 0
		}
		if !background || time.Since(since) >= diskSettle {
			vols := volumes()
			if !background || slices.ContainsFunc(vols, volume.isData) || time.Now().After(end) {
				return vols
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// isData reports whether a volume is a DATA partition.
func (v volume) isData() bool {
	return v.part != 0 && v.entry.Name == dataName && v.entry.Type == gpt.TypeLinux
}

// sectors returns the size of a disk of /sys/block.
func sectors(sys string) uint64 {
	text, _ := os.ReadFile(sys + "/size")
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

func readTable(dev string, size uint64) (t *gpt.Table, problem string) {
	f, err := os.Open(dev)
	if err != nil {
		return nil, ""
	}
	defer func() { _ = f.Close() }()
	t, err = gpt.Read(f, size)
	switch {
	case err == nil:
		return t, ""
	case errors.Is(err, gpt.ErrNone):
		return nil, ""
	}
	return nil, err.Error()
}

func identify(v volume) volume {
	f, err := os.Open(v.dev)
	if err != nil {
		return v
	}
	defer func() { _ = f.Close() }()
	v.kind, v.label = fileSystem(f)
	return v
}

// fileSystem recognises the file systems that matter here, with their labels.
func fileSystem(r io.ReaderAt) (kind, label string) {
	iso := make([]byte, 72) // ECMA-119 8.4: primary volume descriptor
	if n, _ := r.ReadAt(iso, 16*2048); n == len(iso) && string(iso[1:6]) == "CD001" {
		return "iso9660", strings.TrimSpace(string(iso[40:72]))
	}
	super := make([]byte, 0x88) // kernel: Documentation/filesystems/ext4/super.rst
	if n, _ := r.ReadAt(super, 1024); n == len(super) && super[0x38] == 0x53 && super[0x39] == 0xef {
		return "ext4", string(bytes.TrimRight(super[0x78:0x88], "\x00"))
	}
	boot := make([]byte, 512)
	if n, _ := r.ReadAt(boot, 0); n == len(boot) && boot[510] == 0x55 && boot[511] == 0xaa {
		switch { // Microsoft FAT specification, section 3
		case string(boot[82:87]) == "FAT32":
			return "vfat", strings.TrimSpace(string(boot[71:82]))
		case string(boot[54:57]) == "FAT":
			return "vfat", strings.TrimSpace(string(boot[43:54]))
		}
	}
	return "", ""
}
