// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// The numbers of the pcapng format (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete form
	blockSimple    = 3
	blockEnhanced  = 6
	orderMagic     = 0x1a2b3c4d

	optionEnd        = 0
	optionResolution = 9  // of stamps, one byte
	optionOffset     = 14 // of stamps, in seconds
	// blockFrame is the type, the length and the length again at the end.
	blockFrame = 12
	// maxInterfaces bounds what a section may make us remember.
	maxInterfaces = 1 << 16
)

// sections is where in a pcapng file a capture is.
//
//	type | total length | body, padded to a multiple of 4 | total length
type sections struct {
	links []ngLink // interfaces of this section
	total uint32   // length of the block being read
	left  int64    // bytes of its body not read yet, with padding
}

type ngLink struct {
	kind  uint16
	snap  uint32 // 0: not limited
	clock ngClock
}

// ngClock says what the stamps of an interface mean.
type ngClock struct {
	resolution uint8 // 10^-n seconds, 2^-n with the upper bit set
	offset     int64 // seconds to add
}

// nextBlock goes on to the next block with a packet and returns the packet's
// length.
func (d *capture) nextBlock() (int, error) {
	for {
		at := d.at
		kind, err := d.startBlock()
		if err != nil {
			return 0, err
		}
		n, found := 0, false
		switch kind {
		case blockInterface:
			err = d.addInterface()
		case blockEnhanced, blockPacket:
			n, err = d.packetBlock(at, kind)
			found = true
		case blockSimple:
			n, err = d.simpleBlock(at)
			found = true
		}
		if err != nil || found {
			return n, err
		}
		if err := d.endBlock(); err != nil {
			return 0, err
		}
	}
}

// startBlock reads a block's head. At the start of a section it finds out the
// byte order first.
func (d *capture) startBlock() (uint32, error) {
	at := d.at
	b, err := d.read(8, "block header")
	if err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(b) == blockSection {
		return blockSection, d.startSection(at, [4]byte(b[4:8]))
	}
	if d.order == nil {
		return 0, fmt.Errorf("offset %d: a block comes before the first section", at)
	}
	return d.order.Uint32(b), d.setTotal(at, d.order.Uint32(b[4:]))
}

func (d *capture) startSection(at int64, total [4]byte) error {
	magic, err := d.inBlock(4, "section header")
	if err != nil {
		return err
	}
	switch {
	case binary.LittleEndian.Uint32(magic) == orderMagic:
		d.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == orderMagic:
		d.order = binary.BigEndian
	default:
		return fmt.Errorf("offset %d: byte order %x: must be %x in some order", at+8, magic, orderMagic)
	}
	d.ng.links = d.ng.links[:0]
	if err := d.setTotal(at, d.order.Uint32(total[:])); err != nil {
		return err
	}
	return d.use(at, 4)
}

// setTotal checks and stores the length of a block.
func (d *capture) setTotal(at int64, total uint32) error {
	if total < blockFrame || total%4 != 0 {
		return fmt.Errorf("offset %d: block of %d bytes: must be a multiple of 4 from %d on", at+4, total, blockFrame)
	}
	d.ng.total, d.ng.left = total, int64(total)-blockFrame
	return nil
}

// use notes that n bytes of the body have been read or are about to be.
func (d *capture) use(at int64, n int) error {
	if d.ng.left -= int64(n); d.ng.left < 0 {
		return fmt.Errorf("offset %d: block of %d bytes is too short for what it holds", at, d.ng.total)
	}
	return nil
}

// inBlock is read where the file must go on.
func (d *capture) inBlock(n int, what string) ([]byte, error) {
	at := d.at
	b, err := d.read(n, what)
	if errors.Is(err, io.EOF) {
		err = d.cut(at, err, what)
	}
	return b, err
}

// field reads n bytes of the body of the block that begins at at.
func (d *capture) field(at int64, n int) ([]byte, error) {
	if err := d.use(at, n); err != nil {
		return nil, err
	}
	return d.inBlock(n, "block")
}

func (d *capture) addInterface() error {
	at := d.at
	b, err := d.field(at-8, 8)
	if err != nil {
		return err
	}
	if len(d.ng.links) >= maxInterfaces {
		return fmt.Errorf("offset %d: a section with more than %d interfaces", at-8, maxInterfaces)
	}
	l := ngLink{kind: d.order.Uint16(b), snap: d.order.Uint32(b[4:]), clock: ngClock{resolution: 6}}
	if err := d.clockOptions(&l.clock); err != nil {
		return err
	}
	d.ng.links = append(d.ng.links, l)
	return nil
}

// clockOptions reads the options of an interface, as far as they are about
// stamps.
func (d *capture) clockOptions(c *ngClock) error {
	for d.ng.left >= 4 {
		at := d.at
		b, err := d.field(at, 4)
		if err != nil {
			return err
		}
		code, n := d.order.Uint16(b), int(d.order.Uint16(b[2:]))
		if code == optionEnd {
			return nil
		}
		padded := (n + 3) &^ 3
		if n > 8 {
			// None of ours, and longer than what is read at once.
			if err := d.use(at, padded); err != nil {
				return err
			}
			if err := d.skip(padded); err != nil {
				return err
			}
			continue
		}
		v, err := d.field(at, padded)
		if err != nil {
			return err
		}
		switch {
		case code == optionResolution && n == 1:
			c.resolution = v[0]
		case code == optionOffset && n == 8:
			c.offset = int64(d.order.Uint64(v))
		}
	}
	return nil
}

// skip skips n bytes of a block.
func (d *capture) skip(n int) error {
	at := d.at
	k, err := d.r.Discard(n)
	d.at += int64(k)
	if err != nil {
		return d.cut(at, err, "block")
	}
	return nil
}

// time returns a stamp in nanoseconds since 1970. Stamps that no clock shows
// come out as some other time.
func (c ngClock) time(stamp uint64) int64 {
	n := uint(c.resolution & 0x7f)
	var ns uint64
	switch {
	case c.resolution&0x80 != 0:
		hi, lo := bits.Mul64(stamp, 1e9)
		switch {
		case n == 0:
			ns = lo
		case n < 64:
			ns = hi<<(64-n) | lo>>n
		default:
			ns = hi >> (n - 64)
		}
	case n <= 9:
		ns = stamp * power10(9-n)
	case n-9 <= 19:
		ns = stamp / power10(n-9)
	}
	return int64(ns) + c.offset*1e9
}

func power10(n uint) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// packetBlock reads the head of an enhanced or an obsolete packet block.
func (d *capture) packetBlock(at int64, kind uint32) (int, error) {
	b, err := d.field(at, 20)
	if err != nil {
		return 0, err
	}
	id := d.order.Uint32(b)
	if kind == blockPacket {
		id = uint32(d.order.Uint16(b)) // the rest of the word counts drops
	}
	l, err := d.link(at, id)
	if err != nil {
		return 0, err
	}
	d.stamp = l.clock.time(uint64(d.order.Uint32(b[4:]))<<32 | uint64(d.order.Uint32(b[8:])))
	return d.length(at, d.order.Uint32(b[12:]))
}

// simpleBlock reads the head of a simple packet block. Its packet is cut to
// the snap length of the section's first interface, and has no stamp: it is
// taken to have come together with the one before.
func (d *capture) simpleBlock(at int64) (int, error) {
	b, err := d.field(at, 4)
	if err != nil {
		return 0, err
	}
	l, err := d.link(at, 0)
	if err != nil {
		return 0, err
	}
	n := d.order.Uint32(b)
	if l.snap != 0 {
		n = min(n, l.snap)
	}
	return d.length(at, n)
}

// link returns the interface with that number, which must carry Ethernet.
func (d *capture) link(at int64, id uint32) (ngLink, error) {
	if int64(id) >= int64(len(d.ng.links)) {
		return ngLink{}, fmt.Errorf("offset %d: packet of interface %d: the section has %d", at, id, len(d.ng.links))
	}
	l := d.ng.links[id]
	if l.kind != linkEthernet {
		return l, fmt.Errorf("offset %d: packet of link type %d: must be %d, Ethernet", at, l.kind, linkEthernet)
	}
	return l, nil
}

// length checks a packet's length against the block's.
func (d *capture) length(at int64, n uint32) (int, error) {
	k, err := d.checkLength(at, n)
	if err != nil {
		return 0, err
	}
	return k, d.use(at, k)
}

// endBlock skips the rest of the block and checks the length at its end.
func (d *capture) endBlock() error {
	if err := d.skip(int(d.ng.left)); err != nil {
		return err
	}
	at := d.at
	b, err := d.inBlock(4, "block")
	if err != nil {
		return err
	}
	if again := d.order.Uint32(b); again != d.ng.total {
		return fmt.Errorf("offset %d: block of %d bytes says %d at its end", at, d.ng.total, again)
	}
	return nil
}
