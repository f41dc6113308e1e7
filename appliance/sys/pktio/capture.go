// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// The numbers of the classic capture file format
// (draft-ietf-opsawg-pcap).
const (
	pcapMicro      = 0xa1b2c3d4 // stamps in microseconds
	pcapNano       = 0xa1b23c4d // stamps in nanoseconds
	pcapHeaderSize = 24
	pcapRecordSize = 16
	linkEthernet   = 1
)

// capture decodes a capture file, classic or pcapng, in either byte order.
// Errors name the place in the file.
type capture struct {
	r     *bufio.Reader
	at    int64 // bytes read so far
	order binary.ByteOrder
	ng    *sections // nil for the classic format
	unit  int64     // of the classic format's fractions of seconds, in ns
	stamp int64     // of the frame that next announced, in ns since 1970
	buf   [pcapHeaderSize]byte
}

// openCapture reads a file's header.
func openCapture(r io.Reader) (*capture, error) {
	d := &capture{r: bufio.NewReaderSize(r, 1<<16)}
	head, err := d.r.Peek(4)
	if err != nil {
		return nil, d.short(err, "file header")
	}
	le, be := binary.LittleEndian.Uint32(head), binary.BigEndian.Uint32(head)
	switch {
	case le == blockSection: // reads the same in both orders
		d.ng = &sections{}
		return d, nil
	case le == pcapMicro || le == pcapNano:
		d.order = binary.LittleEndian
	case be == pcapMicro || be == pcapNano:
		d.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("offset 0: not a capture file: begins with %x", head)
	}
	return d, d.header()
}

// header reads the classic file header.
func (d *capture) header() error {
	b, err := d.read(pcapHeaderSize, "file header")
	if err != nil {
		return err
	}
	d.unit = 1000
	if d.order.Uint32(b) == pcapNano {
		d.unit = 1
	}
	if v := d.order.Uint16(b[4:]); v != 2 {
		return fmt.Errorf("offset 4: version %d: must be 2", v)
	}
	// The upper bits tell of frame check sequences.
	if l := d.order.Uint32(b[20:]) & 0xffff; l != linkEthernet {
		return fmt.Errorf("offset 20: link type %d: must be %d, Ethernet", l, linkEthernet)
	}
	return nil
}

// next prepares to read the next frame and returns its length, io.EOF at the
// end of the file. body must follow.
func (d *capture) next() (int, error) {
	if d.ng != nil {
		return d.nextBlock()
	}
	at := d.at
	b, err := d.read(pcapRecordSize, "packet header")
	if err != nil {
		return 0, err
	}
	d.stamp = int64(d.order.Uint32(b))*1e9 + int64(d.order.Uint32(b[4:]))*d.unit
	return d.checkLength(at+8, d.order.Uint32(b[8:]))
}

// checkLength checks the length of a frame given at an offset.
func (d *capture) checkLength(at int64, n uint32) (int, error) {
	if n > packet.MaxTotal {
		return 0, fmt.Errorf("offset %d: packet of %d bytes: must be at most %d", at, n, packet.MaxTotal)
	}
	return int(n), nil
}

// body reads the frame that next announced into dst, which has its length.
func (d *capture) body(dst []byte) error {
	at := d.at
	n, err := io.ReadFull(d.r, dst)
	d.at += int64(n)
	if err != nil {
		return d.cut(at, err, fmt.Sprintf("packet of %d bytes", len(dst)))
	}
	if d.ng != nil {
		return d.endBlock()
	}
	return nil
}

// read returns the next n bytes, at most len(d.buf); io.EOF if the file ends
// in front of them.
func (d *capture) read(n int, what string) ([]byte, error) {
	at := d.at
	k, err := io.ReadFull(d.r, d.buf[:n])
	d.at += int64(k)
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, d.cut(at, err, what)
	}
	return d.buf[:n], nil
}

// short turns the end of the file into an error where more must come.
func (d *capture) short(err error, what string) error {
	if err == nil {
		return nil
	}
	return d.cut(d.at, err, what)
}

func (d *capture) cut(at int64, err error, what string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("offset %d: the file ends within the %s", at, what)
	}
	return fmt.Errorf("offset %d: %w", at, err)
}
