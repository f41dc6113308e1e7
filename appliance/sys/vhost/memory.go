// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// region is memory of the front end, mapped here.
type region struct {
	place
	data    []byte // the region
	mapping []byte // with what is before it in the file, and after it in the last page
}

// memory are all regions. It never changes; there is a new one instead.
type memory struct{ regions []region }

// maxMemory bounds how much of its files a front end may have mapped here, in
// bytes: 4 TiB. There are 128 TiB of addresses, and the daemon, which needs some
// itself, would not outlive a front end that takes them all.
const maxMemory = 1 << 42

// mapRegion maps a region of the file fd, which stays the caller's.
func mapRegion(p place, fd int) (region, error) {
	switch {
	case p.size == 0 || p.size > maxMemory || p.offset > maxMemory-p.size:
		return region{}, fmt.Errorf("region of %d bytes at offset %d of its file: must have at least 1 and end within %d", p.size, p.offset, uint64(maxMemory))
	case p.guest+p.size < p.guest || p.user+p.size < p.user:
		return region{}, fmt.Errorf("region of %d bytes at %#x, %#x: ends behind the last address", p.size, p.guest, p.user)
	case p.user%4096 != p.offset%4096:
		return region{}, fmt.Errorf("region at %#x, offset %#x: both must be at the same place of a page", p.user, p.offset)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return region{}, err
	}
	end := p.offset + p.size
	if st.Mode&unix.S_IFMT != unix.S_IFREG || uint64(st.Size) < end {
		return region{}, fmt.Errorf("region ends at %d of its file, which has %d bytes", end, st.Size)
	}
	// Files of huge pages are mapped in whole pages of theirs, from the
	// beginning: nothing says that a region begins with one.
	page := uint64(max(st.Blksize, 4096))
	m, err := unix.Mmap(fd, 0, int((end+page-1)/page*page), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return region{}, fmt.Errorf("map region of %d bytes: %w", p.size, err)
	}
	return region{place: p, data: m[p.offset:end:end], mapping: m}, nil
}

func (r *region) unmap() { _ = unix.Munmap(r.mapping) }

// with returns the memory with one more region.
func (m *memory) with(r region) (*memory, error) {
	if len(m.regions) >= maxRegions {
		return nil, fmt.Errorf("more than %d regions", maxRegions)
	}
	mapped := len(r.mapping)
	for i := range m.regions {
		o := &m.regions[i]
		if mapped += len(o.mapping); mapped > maxMemory {
			return nil, fmt.Errorf("more than %d bytes of files", uint64(maxMemory))
		}
		if r.guest < o.guest+o.size && o.guest < r.guest+r.size || r.user < o.user+o.size && o.user < r.user+r.size {
			return nil, fmt.Errorf("regions of %d bytes at %#x and of %d at %#x overlap", r.size, r.guest, o.size, o.guest)
		}
	}
	return &memory{append(append([]region(nil), m.regions...), r)}, nil
}

// without returns the memory without the region at the place, and the region.
func (m *memory) without(p place) (*memory, region, error) {
	for i, r := range m.regions {
		if r.guest == p.guest && r.size == p.size && r.user == p.user {
			return &memory{append(append([]region(nil), m.regions[:i]...), m.regions[i+1:]...)}, r, nil
		}
	}
	return nil, region{}, fmt.Errorf("there is no region of %d bytes at %#x", p.size, p.guest)
}

// unmap releases all regions. No worker is inside.
func (m *memory) unmap() {
	for i := range m.regions {
		m.regions[i].unmap()
	}
}

// find returns where a guest address lies: the region, the offset in it and
// how many bytes follow. false: nowhere.
func (m *memory) find(addr uint64) (at int, off, left uint64, ok bool) {
	for i := range m.regions {
		r := &m.regions[i]
		if off := addr - r.guest; off < r.size {
			return i, off, r.size - off, true
		}
	}
	return 0, 0, 0, false
}

// guest returns n bytes at a guest address, all in one region.
func (m *memory) guest(addr uint64, n int) ([]byte, bool) {
	i, off, left, ok := m.find(addr)
	if !ok || uint64(n) > left {
		return nil, false
	}
	return m.regions[i].data[off : off+uint64(n)], true
}

// user returns n bytes at an address of the front end's process, aligned.
func (m *memory) user(addr uint64, n, align int) ([]byte, error) {
	if addr%uint64(align) != 0 {
		return nil, fmt.Errorf("%#x: must be a multiple of %d", addr, align)
	}
	for i := range m.regions {
		r := &m.regions[i]
		if off := addr - r.user; off < r.size && uint64(n) <= r.size-off {
			return r.data[off : off+uint64(n) : off+uint64(n)], nil
		}
	}
	return nil, fmt.Errorf("%d bytes at %#x: are in no region", n, addr)
}

// errNoMemory says that a ring cannot be used without memory.
var errNoMemory = errors.New("there are no regions of memory")
