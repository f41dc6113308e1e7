// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"errors"
	"fmt"
	"net"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// netPcap is net_pcap: every incoming queue reads a capture file or an
// interface, every outgoing queue writes to one. A direction without any has
// a queue that stays empty, or swallows everything.
type netPcap struct {
	settings
	loop    bool // files start again at their end
	in, out []end
}

// end is what a queue leads to. At most one of the pointers is set.
type end struct {
	key, name string // as given, for example "rx_pcap" and "traffic.pcap"
	reader    *pktio.Reader
	writer    *pktio.Writer
	iface     *pktio.Interface
}

func newPcap(v vdev, s settings) (*netPcap, error) {
	d := &netPcap{settings: s}
	for _, a := range v.args {
		var err error
		e := end{key: a.key, name: a.value}
		switch a.key {
		case "rx_pcap", "rx_iface":
			d.in = append(d.in, e)
		case "rx_iface_in": // what the host sends is never received
			e.key = "rx_iface"
			d.in = append(d.in, e)
		case "tx_pcap", "tx_iface":
			d.out = append(d.out, e)
		case "iface":
			d.in, d.out = append(d.in, e), append(d.out, e)
		case "infinite_rx":
			d.loop, err = parseFlag(a)
		case "phy_mac": // the port always has the interface's address
			_, err = parseFlag(a)
		default:
			err = fmt.Errorf("%s: net_pcap knows rx_pcap, tx_pcap, rx_iface, rx_iface_in, tx_iface, iface, infinite_rx and phy_mac only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	if len(d.in) > port.MaxQueues || len(d.out) > port.MaxQueues {
		return nil, fmt.Errorf("%d incoming and %d outgoing queues: must be at most %d", len(d.in), len(d.out), port.MaxQueues)
	}
	return d, nil
}

// check looks for what cannot be meant, whatever the files and interfaces are.
func (d *netPcap) check() error {
	all := append(append([]end(nil), d.in...), d.out...)
	if len(all) == 0 {
		return errors.New("one of rx_pcap, tx_pcap, rx_iface, tx_iface and iface must be given")
	}
	seen := map[end]bool{}
	for _, e := range all {
		if e.key == "iface" && len(all) > 2 {
			return fmt.Errorf("iface: %q: is for both directions and cannot be given with others", e.name)
		}
		if seen[e] && e.key != "rx_pcap" && e.key != "iface" {
			return fmt.Errorf("%s: %q: is given twice", e.key, e.name)
		}
		seen[e] = true
	}
	return nil
}

// prepare settles the number of queues, loads the files to be read and opens
// those to be written, without changing them yet.
func (d *netPcap) prepare(cfg *port.Config) error {
	if len(d.in) == 0 {
		d.in = make([]end, 1)
	}
	if len(d.out) == 0 {
		d.out = make([]end, 1)
	}
	if err := setQueues("num_inc_q", &cfg.NumInc, len(d.in)); err != nil {
		return err
	}
	if err := setQueues("num_out_q", &cfg.NumOut, len(d.out)); err != nil {
		return err
	}
	for i := range d.in {
		var err error
		if e := &d.in[i]; e.key == "rx_pcap" {
			if e.reader, err = pktio.OpenReader(e.name, pktio.ReaderOptions{Loop: d.loop}); err != nil {
				return fmt.Errorf("rx_pcap: %w", err)
			}
		}
	}
	for i := range d.out {
		var err error
		if e := &d.out[i]; e.key == "tx_pcap" {
			if e.writer, err = pktio.OpenWriter(e.name, pktio.WriterOptions{}); err != nil {
				return fmt.Errorf("tx_pcap: %w", err)
			}
			if err := d.spare(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// spare refuses to write to a file that is being read: that would destroy it.
func (d *netPcap) spare(out *end) error {
	for _, in := range d.in {
		if in.reader != nil && out.writer.Reads(in.reader) {
			return errno.Errorf(errno.EINVAL, "tx_pcap: %s: is also read, as rx_pcap %s", out.name, in.name)
		}
	}
	return nil
}

// open opens interfaces and starts the files to be written.
func (d *netPcap) open(cfg *port.Config) error {
	for i := range d.in {
		e := &d.in[i]
		if e.key == "rx_iface" || e.key == "iface" {
			o := pktio.InterfaceOptions{Port: cfg.Name, Receive: true, Send: e.key == "iface", Frames: cfg.SizeInc, Up: true}
			if err := e.openInterface(o); err != nil {
				return err
			}
		}
	}
	for i := range d.out {
		e := &d.out[i]
		var err error
		switch e.key {
		case "iface":
			e.iface = d.in[0].iface
		case "tx_iface":
			err = e.openInterface(pktio.InterfaceOptions{Port: cfg.Name, Send: true, Up: true})
		case "tx_pcap":
			if err = e.writer.Start(); err != nil {
				err = fmt.Errorf("tx_pcap: %w", err)
			}
		}
		if err != nil {
			return err
		}
	}
	if all := d.ifaces(); len(all) > 0 {
		cfg.MTU, cfg.MAC = all[0].Address()
	}
	return nil
}

func (e *end) openInterface(o pktio.InterfaceOptions) (err error) {
	if e.iface, err = pktio.OpenInterface(e.name, o); err != nil {
		return fmt.Errorf("%s: %w", e.key, err)
	}
	return nil
}

// Close closes files and interfaces.
func (d *netPcap) Close() {
	for _, e := range d.in {
		if e.reader != nil {
			e.reader.Close()
		}
		if e.iface != nil {
			e.iface.Close()
		}
	}
	for _, e := range d.out {
		if e.writer != nil {
			e.writer.Close()
		}
		if e.iface != nil && e.key != "iface" {
			e.iface.Close()
		}
	}
}

// Recv appends up to limit packets of queue q to b.
func (d *netPcap) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	switch e := &d.in[q]; {
	case e.reader != nil:
		return e.reader.Recv(c, b, limit)
	case e.iface != nil:
		return e.iface.Recv(0, c, b, limit)
	}
	return 0
}

// Send writes ps to what queue q leads to.
func (d *netPcap) Send(q int, c *packet.Cache, ps []packet.Packet) int {
	switch e := &d.out[q]; {
	case e.writer != nil:
		return e.writer.Send(c, ps)
	case e.iface != nil:
		return e.iface.Send(0, c, ps)
	}
	c.FreeAll(ps)
	return len(ps)
}

// SendsLarge says that interfaces and files take packets of several pieces.
func (d *netPcap) SendsLarge() {}

// WaitFD returns the descriptor of queue q if it is an interface.
func (d *netPcap) WaitFD(q int) int {
	if i := d.in[q].iface; i != nil {
		return i.WaitFD(0)
	}
	return -1
}

// RetryAfter says when queue q is worth another poll if it is a file.
func (d *netPcap) RetryAfter(q int) uint64 {
	if r := d.in[q].reader; r != nil {
		return r.RetryAfter()
	}
	return 0
}

// DeviceStats counts what was lost on the way from interfaces.
func (d *netPcap) DeviceStats() (inc, out port.DeviceStats) {
	for _, e := range d.in {
		if e.iface != nil {
			inc.Dropped += e.iface.Dropped()
		}
	}
	return inc, out
}

// Notes say how far files have been read and written, and in what state
// interfaces are.
func (d *netPcap) Notes() []string {
	var notes []string
	for _, e := range d.in {
		switch {
		case e.reader != nil:
			notes = append(notes, e.key+" "+e.reader.Note())
		case e.iface != nil:
			notes = append(notes, e.iface.Notes()...)
		}
	}
	for _, e := range d.out {
		switch {
		case e.writer != nil:
			notes = append(notes, e.key+" "+e.writer.Note())
		case e.iface != nil && e.key != "iface":
			notes = append(notes, e.iface.Notes()...)
		}
	}
	return append(notes, d.vain...)
}

// ifaces returns all interfaces, each once.
func (d *netPcap) ifaces() []*pktio.Interface {
	var all []*pktio.Interface
	for _, e := range d.in {
		if e.iface != nil {
			all = append(all, e.iface)
		}
	}
	for _, e := range d.out {
		if e.iface != nil && e.key != "iface" {
			all = append(all, e.iface)
		}
	}
	return all
}

// SetConf changes the settings of the device's interfaces. If one refuses,
// the ones before it keep theirs: each is a device of its own.
func (d *netPcap) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if err := checkMTU(mtu); err != nil {
		return err
	}
	for _, i := range d.ifaces() {
		if err := i.SetConf(mtu, mac, up); err != nil {
			return err
		}
	}
	return nil
}

// Address returns the MTU and the address of the first interface, nothing for
// files.
func (d *netPcap) Address() (mtu int, mac net.HardwareAddr) {
	for _, i := range d.ifaces() {
		return i.Address()
	}
	return 0, nil
}

// Link reports the state of the first interface. Files are always up.
func (d *netPcap) Link() port.Link {
	for _, i := range d.ifaces() {
		return port.Link(i.Link())
	}
	return port.Link{FullDuplex: true, Autoneg: true, Up: true}
}
