// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gpt reads and writes GUID partition tables (UEFI specification 2.10,
// chapter 5). The image builder writes one, the appliance's init reads it, and
// moves its end when the disk has grown.
package gpt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// Sizes, in bytes and sectors.
const (
	Sector       = 512
	entrySize    = 128
	entryCount   = 128
	entrySectors = entryCount * entrySize / Sector
	headerSize   = 92
	// FirstUsable is the first sector a partition may have.
	FirstUsable = 2 + entrySectors
	// Overhead is the number of sectors at the end of the disk that hold the
	// copy of the table.
	Overhead = 1 + entrySectors
)

// Types of partitions.
var (
	// TypeESP is an EFI system partition.
	TypeESP = MustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
	// TypeLinux is a Linux file system.
	TypeLinux = MustGUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
)

// GUID is a GUID as text shows it; on the disk the first three groups are
// little-endian.
type GUID [16]byte

// MustGUID reads the text of a GUID that is known to be one.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// ParseGUID reads 8-4-4-4-12 hexadecimal digits.
func ParseGUID(s string) (g GUID, err error) {
	bad := fmt.Errorf("%q is not a GUID", s)
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, bad
	}
	b, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return g, bad
	}
	copy(g[:], b)
	return g, nil
}

func (g GUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[0:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// disk converts between text order and disk order; it is its own inverse.
func (g GUID) disk() GUID {
	d := g
	d[0], d[1], d[2], d[3] = g[3], g[2], g[1], g[0]
	d[4], d[5], d[6], d[7] = g[5], g[4], g[7], g[6]
	return d
}

// Partition is one entry. Sectors are inclusive.
type Partition struct {
	Type, ID    GUID
	First, Last uint64
	Name        string // at most 36 UTF-16 units
	attrs       uint64
}

// Sectors is the partition's size.
func (p Partition) Sectors() uint64 { return p.Last - p.First + 1 }

// Table is a disk's table. The index of a partition is its number minus one;
// unused entries are zero.
type Table struct {
	ID         GUID
	Sectors    uint64 // of the disk the table was made for
	Partitions []Partition
}

// header is the disk's form (UEFI table 5-5).
type header struct {
	Signature                     [8]byte
	Revision, Size, CRC, Reserved uint32
	Here, Other, First, Last      uint64
	Disk                          GUID
	Entries                       uint64
	Count, EntrySize, EntriesCRC  uint32
}

type entry struct {
	Type, ID           GUID
	First, Last, Attrs uint64
	Name               [36]uint16
}

var signature = [8]byte{'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'}

// ErrNone says that a disk has no such table.
var ErrNone = errors.New("no GUID partition table")

// Read reads the table of a disk, from its copy at the end if the first is
// damaged. sectors is the size of the disk now, which may be more than the
// table knows.
func Read(r io.ReaderAt, sectors uint64) (*Table, error) {
	t, err := readAt(r, 1, sectors)
	if err == nil || sectors < FirstUsable+Overhead {
		return t, err
	}
	if t, err2 := readAt(r, sectors-1, sectors); err2 == nil {
		return t, nil
	}
	return nil, err
}

func readAt(r io.ReaderAt, lba, sectors uint64) (*Table, error) {
	var raw [Sector]byte
	if _, err := r.ReadAt(raw[:], int64(lba*Sector)); err != nil {
		return nil, fmt.Errorf("partition table: %w", err)
	}
	var h header
	if _, err := binary.Decode(raw[:], binary.LittleEndian, &h); err != nil || h.Signature != signature {
		return nil, ErrNone
	}
	want := h.CRC
	copy(raw[16:20], []byte{0, 0, 0, 0})
	switch {
	case h.Size < headerSize || h.Size > Sector || crc32.ChecksumIEEE(raw[:h.Size]) != want:
		return nil, errors.New("partition table: the header's checksum is wrong")
	case h.Count > 1024 || h.EntrySize != entrySize || h.Entries > sectors:
		return nil, fmt.Errorf("partition table: %d entries of %d bytes at sector %d are not supported", h.Count, h.EntrySize, h.Entries)
	case h.Other >= sectors && lba == 1 && h.Other != 0:
		return nil, fmt.Errorf("partition table: it is of a disk of %d sectors, this one has %d: the disk is too small", h.Other+1, sectors)
	}
	list := make([]byte, h.Count*h.EntrySize)
	if _, err := r.ReadAt(list, int64(h.Entries*Sector)); err != nil {
		return nil, fmt.Errorf("partition table: entries: %w", err)
	}
	if crc32.ChecksumIEEE(list) != h.EntriesCRC {
		return nil, errors.New("partition table: the checksum of the entries is wrong")
	}
	t := &Table{ID: h.Disk.disk(), Sectors: max(h.Here, h.Other) + 1}
	return t, t.decode(list, sectors)
}

func (t *Table) decode(list []byte, sectors uint64) error {
	for len(list) > 0 {
		var e entry
		if _, err := binary.Decode(list, binary.LittleEndian, &e); err != nil {
			return fmt.Errorf("partition table: entries: %w", err)
		}
		list = list[entrySize:]
		var p Partition
		if e.Type != (GUID{}) {
			name := e.Name[:]
			for i, c := range name {
				if c == 0 {
					name = name[:i]
					break
				}
			}
			p = Partition{e.Type.disk(), e.ID.disk(), e.First, e.Last, string(utf16.Decode(name)), e.Attrs}
			if p.First > p.Last || p.Last >= sectors {
				return fmt.Errorf("partition %d: sectors %d..%d: outside the disk's %d", len(t.Partitions)+1, p.First, p.Last, sectors)
			}
		}
		t.Partitions = append(t.Partitions, p)
	}
	for n := len(t.Partitions); n > 0 && t.Partitions[n-1] == (Partition{}); n-- {
		t.Partitions = t.Partitions[:n-1]
	}
	return nil
}

// check reports what would make a table that must not be written.
func (t *Table) check() error {
	if t.Sectors < FirstUsable+Overhead || len(t.Partitions) > entryCount {
		return fmt.Errorf("partition table: %d partitions on %d sectors", len(t.Partitions), t.Sectors)
	}
	for i, p := range t.Partitions {
		if p == (Partition{}) {
			continue
		}
		if p.First < FirstUsable || p.Last < p.First || p.Last >= t.Sectors-Overhead || len(utf16.Encode([]rune(p.Name))) > 36 {
			return fmt.Errorf("partition %d %q: sectors %d..%d: must lie in %d..%d", i+1, p.Name, p.First, p.Last,
				FirstUsable, t.Sectors-Overhead-1)
		}
		for j, q := range t.Partitions[:i] {
			if q != (Partition{}) && p.First <= q.Last && q.First <= p.Last {
				return fmt.Errorf("partitions %d and %d overlap", j+1, i+1)
			}
		}
	}
	return nil
}

// Write writes the protective MBR, the table and its copy. The copy is
// written first: whenever the power fails, one of them is whole.
func (t *Table) Write(w io.WriterAt) error {
	if err := t.check(); err != nil {
		return err
	}
	list := t.entries()
	last := t.Sectors - 1
	for _, part := range []struct {
		at   uint64
		data []byte
	}{
		{last - entrySectors, list},
		{last, t.header(last, 1, last-entrySectors, list)},
		{2, list},
		{1, t.header(1, last, 2, list)},
		{0, t.protective()},
	} {
		if _, err := w.WriteAt(part.data, int64(part.at*Sector)); err != nil {
			return fmt.Errorf("partition table: %w", err)
		}
	}
	return nil
}

func (t *Table) entries() []byte {
	list := make([]byte, entryCount*entrySize)
	for i, p := range t.Partitions {
		if p == (Partition{}) {
			continue
		}
		e := entry{Type: p.Type.disk(), ID: p.ID.disk(), First: p.First, Last: p.Last, Attrs: p.attrs}
		copy(e.Name[:], utf16.Encode([]rune(p.Name)))
		var b bytes.Buffer
		_ = binary.Write(&b, binary.LittleEndian, e) // a buffer takes everything
		copy(list[i*entrySize:], b.Bytes())
	}
	return list
}

func (t *Table) header(here, other, entries uint64, list []byte) []byte {
	h := header{Signature: signature, Revision: 0x10000, Size: headerSize, Here: here, Other: other, First: FirstUsable,
		Last: t.Sectors - Overhead - 1, Disk: t.ID.disk(), Entries: entries, Count: entryCount, EntrySize: entrySize,
		EntriesCRC: crc32.ChecksumIEEE(list)}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h)
	out := make([]byte, Sector)
	copy(out, b.Bytes())
	binary.LittleEndian.PutUint32(out[16:], crc32.ChecksumIEEE(out[:headerSize]))
	return out
}

// protective is an MBR with one partition that covers the disk, for programs
// that know nothing else (UEFI 5.2.3).
func (t *Table) protective() []byte {
	b := make([]byte, Sector)
	copy(b[446:], []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0})
	binary.LittleEndian.PutUint32(b[458:], uint32(min(t.Sectors-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// Grow makes partition number (from 1) end where a disk of sectors sectors
// ends. It reports whether that changed anything; Write must follow then.
func (t *Table) Grow(number int, sectors uint64) (bool, error) {
	if number < 1 || number > len(t.Partitions) || t.Partitions[number-1] == (Partition{}) {
		return false, fmt.Errorf("there is no partition %d", number)
	}
	p := &t.Partitions[number-1]
	for _, q := range t.Partitions {
		if q.First > p.Last {
			return false, fmt.Errorf("partition %d is not the last one: it cannot grow", number)
		}
	}
	const align = 2048 // 1 MiB
	last := (sectors-Overhead)/align*align - 1
	if sectors <= t.Sectors || last <= p.Last {
		return false, nil
	}
	t.Sectors, p.Last = sectors, last
	return true, t.check()
}
