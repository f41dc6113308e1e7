// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pcapfile is the driver PcapFilePort: capture files as a place
// packets come from and go to.
package pcapfile

import (
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Driver reads one capture file and writes another.
var Driver = &port.Driver{
	Name:   "PcapFilePort",
	Prefix: "pcap_file_port",
	Help:   "reads packets from a capture file, at a given pace, and writes packets to another one",
	Arg:    &PcapFilePortArg{},
	New:    port.New(create),
}

func create(cfg *port.Config, arg *PcapFilePortArg) (_ *device, err error) {
	if arg.GetRead() == nil && arg.GetWrite() == nil {
		return nil, errno.Errorf(errno.EINVAL, "read, write: one of them must be given")
	}
	cfg.NumInc, cfg.NumOut = 1, 1
	d := &device{}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if r := arg.GetRead(); r != nil {
		if d.in, err = openRead(r); err != nil {
			return nil, errno.Wrap(err, "read")
		}
	}
	if w := arg.GetWrite(); w != nil {
		if err := d.openWrite(w); err != nil {
			return nil, errno.Wrap(err, "write")
		}
	}
	return d, nil
}

func openRead(r *PcapFileRead) (*pktio.Reader, error) {
	pace, err := paceOf(r)
	if err != nil {
		return nil, err
	}
	return pktio.OpenReader(r.GetPath(), pktio.ReaderOptions{Loop: r.GetLoop(), Pace: pace})
}

func paceOf(r *PcapFileRead) (p pktio.Pace, err error) {
	switch v := r.GetPace().(type) {
	case *PcapFileRead_Recorded:
		p.Recorded = v.Recorded
	case *PcapFileRead_PacketsPerSecond:
		if p.PPS = v.PacketsPerSecond; p.PPS == 0 {
			err = errno.Errorf(errno.EINVAL, "packets_per_second: 0: must be at least 1")
		}
	case *PcapFileRead_BitsPerSecond:
		if p.BPS = v.BitsPerSecond; p.BPS == 0 {
			err = errno.Errorf(errno.EINVAL, "bits_per_second: 0: must be at least 1")
		}
	}
	return p, err
}

// openWrite opens the file to be written. It is not touched before everything
// else is known to be right.
func (d *device) openWrite(w *PcapFileWrite) (err error) {
	o := pktio.WriterOptions{Ng: w.GetFormat() == "pcapng", Snap: int(w.GetSnapLength()), Rotate: pktio.Rotate{
		Bytes: w.GetRotateBytes(), Packets: w.GetRotatePackets(), Period: time.Duration(w.GetRotateSeconds()) * time.Second,
		Keep: int(w.GetKeepFiles())}}
	if r := o.Rotate; r.Keep > 0 && r.Bytes == 0 && r.Packets == 0 && r.Period == 0 {
		return errno.Errorf(errno.EINVAL, "keep_files: %d: needs rotate_bytes, rotate_packets or rotate_seconds", r.Keep)
	}
	if d.out, err = pktio.OpenWriter(w.GetPath(), o); err != nil {
		return err
	}
	if d.in != nil && d.out.Reads(d.in) {
		return errno.Errorf(errno.EINVAL, "path: %s: is also read", w.GetPath())
	}
	return d.out.Start()
}

// device are the files, nil where there is none.
type device struct {
	port.NoSettings
	in  *pktio.Reader
	out *pktio.Writer
}

// Close closes the files.
func (d *device) Close() {
	if d.in != nil {
		d.in.Close()
	}
	if d.out != nil {
		d.out.Close()
	}
}

// Recv appends the packets that are due to b.
func (d *device) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	if d.in == nil {
		return 0
	}
	return d.in.Recv(c, b, limit)
}

// Send writes ps, as far as there is room for them.
func (d *device) Send(_ int, c *packet.Cache, ps []packet.Packet) int {
	if d.out == nil {
		return 0
	}
	return d.out.Send(c, ps)
}

// SendsLarge says that packets of several pieces are written as they are.
func (d *device) SendsLarge() {}

// RetryAfter says when the next packet is due.
func (d *device) RetryAfter(int) uint64 {
	if d.in == nil {
		return 0
	}
	return d.in.RetryAfter()
}

// Notes say how far the files have been read and written.
func (d *device) Notes() (notes []string) {
	if d.in != nil {
		notes = append(notes, "read "+d.in.Note())
	}
	if d.out != nil {
		notes = append(notes, "write "+d.out.Note())
	}
	return notes
}
