// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// Device is an Ethernet interface of Linux with an AF_XDP socket for each of
// its queues. It outlives the interface: when that goes away, nothing is
// received or sent until another of its name comes.
type Device struct {
	o      Options
	host   *hostif.Interface
	queues []queue
	owed   *collector
	bursts *burst.Bursts // control side: under mu

	mu     sync.Mutex // guards the rest
	prog   *program
	mem    []byte // frames of all queues
	reason string // why the mode is not a better one
	has    int    // queues of the interface
	coarse bool   // the hardware counts the room of a frame in KiB (82576 datasheet, SRRCTL)
	comes  uint64 // how often the interface came back
	closed bool
}

// queue is one queue of an interface as workers see it. The socket is nil
// while there is none.
type queue struct {
	socket    atomic.Pointer[socket]
	receiving atomic.Uint32 // 1 while a worker uses the socket
	received  sys.Counter   // packets
	_         [40]byte
	sending   atomic.Uint32 // the same for the other direction
	gone      sys.Counter   // packets sent in bursts
	goneBytes sys.Counter
	_         [40]byte
	wait      int // descriptor that is readable when the socket is
	// What the queue's earlier sockets dropped and sent.
	oldIn, oldOut, oldSent, oldBytes atomic.Uint64
}

// Open opens an interface of the current network namespace. Errors: ENODEV if
// there is none of that name, EBUSY if it or one of its queues is in use,
// EINVAL for options that it does not have, EPERM without the capabilities
// needed, and what the kernel answers.
func Open(name string, o Options) (_ *Device, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	host, err := hostif.Claim(name, hostif.Options{Port: o.Port, Exclusive: true})
	if err != nil {
		return nil, err
	}
	d := &Device{o: o, host: host, queues: make([]queue, o.Queues), owed: newCollector(), bursts: burst.New(o.Bursts, o.Queues)}
	d.owed.ended.Go(func() { d.owed.run(d.ask) })
	defer func() {
		if err != nil {
			d.Close()
			err = fmt.Errorf("interface %q: %w", name, explain(err))
		}
	}()
	for i := range d.queues {
		d.queues[i].wait = -1
	}
	for i := range d.queues {
		if d.queues[i].wait, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
			return nil, fmt.Errorf("epoll: %w", err)
		}
	}
	if o.Up {
		if err := d.host.SetConf(0, nil, true); err != nil {
			return nil, err
		}
	}
	if o.Promiscuous {
		if err := d.host.SetPromiscuous(true); err != nil {
			return nil, err
		}
	}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, d.host.Watch(d.reopen, d.howDriven)
}

// Frames returns how many frames each queue has for packets to receive and to
// send: a power of two each.
func (d *Device) Frames() (rx, tx int) { return d.o.RxFrames, d.o.TxFrames }

// Close ends the traffic and gives the interface back as it was. No worker
// uses it any more.
func (d *Device) Close() {
	d.host.Close() // first, since it waits for a reopen
	d.owed.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.drop()
	d.bursts.Close()
	sys.Unmap(d.mem)
	d.mem = nil
	for i := range d.queues {
		sys.CloseFD(d.queues[i].wait)
		d.queues[i].wait = -1
	}
}

// reopen opens the interface that came in the place of the one before.
func (d *Device) reopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.drop()
	if err := d.openLocked(); err != nil {
		d.reason = "not opened again: " + explain(err).Error()
		return err
	}
	d.comes++
	return nil
}

func (d *Device) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.openLocked()
}

// openLocked attaches the program and opens the sockets. d.mu is held.
func (d *Device) openLocked() error {
	link, err := d.host.Device()
	if err != nil {
		return err
	}
	a := link.Attrs()
	if a.EncapType != "ether" && a.EncapType != "loopback" {
		return errno.Errorf(errno.EINVAL, "carries %s: must carry Ethernet frames", a.EncapType)
	}
	d.has = d.count(a)
	if last := d.o.StartQueue + d.o.Queues; last > d.has {
		return errno.Errorf(errno.EINVAL, "start_queue: %d: %s from there on (num_inc_q, num_out_q), the interface has %s",
			d.o.StartQueue, counted(d.o.Queues), counted(d.has))
	}
	if d.mem == nil {
		if d.mem, err = sys.Map(d.o.Queues * d.queueBytes()); err != nil {
			return err
		}
	}
	if err := d.host.Do(func() error { return d.attach(a.Index) }); err != nil {
		return err
	}
	if err := d.host.Do(func() error { return d.openSockets(link) }); err != nil {
		d.drop()
		return err
	}
	return nil
}

// counted is a number of queues in words.
func counted(n int) string {
	if n == 1 {
		return "1 queue"
	}
	return fmt.Sprintf("%d queues", n)
}

// count returns how many queues an interface uses.
func (d *Device) count(a *netlink.LinkAttrs) int {
	n := max(a.NumRxQueues, a.NumTxQueues)
	_ = d.host.Do(func() error {
		if rx, tx, ok := sys.Channels(a.Name); ok && max(rx, tx) > 0 {
			n = max(rx, tx)
		}
		return nil
	})
	return n
}

// attach attaches the program in the best mode allowed.
func (d *Device) attach(index int) (err error) {
	n := d.o.StartQueue + d.o.Queues
	d.reason = ""
	if d.o.Mode != Generic {
		if d.prog, err = attach(index, n, true); err == nil {
			return nil
		}
		if d.o.Mode == Native || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EPERM) {
			return fmt.Errorf("native mode: %w", err)
		}
		if d.o.ZeroCopy == choice.On {
			return fmt.Errorf("zero_copy: on: needs native mode: %w", err)
		}
		d.reason = "native mode: " + err.Error()
	}
	if d.prog, err = attach(index, n, false); err != nil {
		return fmt.Errorf("generic mode: %w", err)
	}
	return nil
}

func (d *Device) queueBytes() int { return (d.o.RxFrames + d.o.TxFrames) * d.o.FrameSize }

// openSockets opens the socket of every queue in the best way that works.
func (d *Device) openSockets(link netlink.Link) error {
	socks, err := d.bindBest(link)
	if err != nil {
		return err
	}
	d.owed.slow.Store(socks[0].zeroCopy)
	if err := d.takeBursts(link, socks[0].zeroCopy); err != nil {
		for _, s := range socks {
			s.close()
		}
		return err
	}
	checksums := d.o.Checksums == choice.On || d.o.Checksums == choice.Auto && (!d.prog.native || isSoftware(link))
	for i, s := range socks {
		s.tags, s.checksums = d.prog.tags, checksums
		if !s.zeroCopy && i < d.o.Incoming {
			s.gate = &d.prog.gates.all[d.o.StartQueue+i]
		}
		if !d.prog.native {
			s.flat = make([]byte, packet.MaxTotal)
		}
		if err := d.start(i, s); err != nil {
			for _, s := range socks[i:] {
				s.close()
			}
			return err
		}
	}
	return nil
}

// start gives a socket to the workers.
func (d *Device) start(i int, s *socket) error {
	q := &d.queues[i]
	if err := unix.EpollCtl(q.wait, unix.EPOLL_CTL_ADD, s.in, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	if i < d.o.Incoming {
		if err := d.prog.add(d.o.StartQueue+i, s.in); err != nil {
			return err
		}
	}
	q.socket.Store(s)
	return nil
}

// drop takes the sockets away from the workers and closes them and the
// program. d.mu is held.
func (d *Device) drop() {
	for i := range d.queues {
		q := &d.queues[i]
		s := q.socket.Swap(nil)
		if s == nil {
			continue
		}
		// A worker that looked before uses it for a batch more.
		for q.receiving.Load() != 0 || q.sending.Load() != 0 {
			runtime.Gosched()
			time.Sleep(10 * time.Microsecond)
		}
		s.bury()
		in, out := drops(s)
		q.oldIn.Add(in)
		q.oldOut.Add(out)
		q.oldSent.Add(s.fate.packets.Load())
		q.oldBytes.Add(s.fate.bytes.Load())
		s.close()
	}
	d.bursts.Leave()
	d.prog.close()
	d.prog = nil
}

// WaitFD returns the descriptor that is readable while queue q has packets.
func (d *Device) WaitFD(q int) int { return d.queues[q].wait }

// Address returns the interface's MTU and hardware address.
func (d *Device) Address() (mtu int, mac net.HardwareAddr) { return d.host.Address() }

// Link reports the state of the interface's link.
func (d *Device) Link() hostif.Link { return d.host.Link() }

// SetConf changes the MTU (0: keep), the hardware address (nil: keep) and the
// administrative state of the interface until Close, all or none. Errors: EINVAL
// for an MTU whose packets would not fit where one takes one frame only.
func (d *Device) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if err := d.takes(mtu); err != nil {
		return err
	}
	return d.host.SetConf(mtu, mac, up)
}

// takes returns why packets of an MTU cannot be received now, nil if they can.
func (d *Device) takes(mtu int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.queues[0].socket.Load()
	if s == nil {
		return nil
	}
	return d.fits(mtu, bind{s.zeroCopy, s.multi})
}

// Sent returns how many packets, of how many bytes, the kernel or the device has
// taken and not dropped, as far as that is known.
func (d *Device) Sent() (packets, bytes uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.queues {
		p, b := d.queues[i].sent()
		packets, bytes = packets+p, bytes+b
	}
	return packets, bytes
}

// sent is Sent for one queue. d.mu is held.
func (q *queue) sent() (packets, bytes uint64) {
	packets, bytes = q.oldSent.Load()+q.gone.Load(), q.oldBytes.Load()+q.goneBytes.Load()
	if s := q.socket.Load(); s != nil {
		packets, bytes = packets+s.fate.packets.Load(), bytes+s.fate.bytes.Load()
	}
	return packets, bytes
}

// Dropped returns how many packets were lost: on reception because the ring
// was full, the pool had no buffer or they could not be cut, on sending because
// the kernel dropped them after Send, or the interface went away before it took
// them.
func (d *Device) Dropped() (in, out uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.queues {
		q := &d.queues[i]
		in, out = in+q.oldIn.Load(), out+q.oldOut.Load()
		if s := q.socket.Load(); s != nil {
			a, b := drops(s)
			in, out = in+a, out+b
		}
	}
	return in, out
}

func drops(s *socket) (in, out uint64) {
	st := stats(s.in)
	if s.gate != nil {
		in = s.gate.lost.Load()
	}
	// A kernel that copies counts a packet for which there was no frame to be
	// filled as dropped, too.
	return in + s.lost.Load() + s.uncut.Load() + st.Rx_dropped + st.Rx_ring_full, s.fate.dropped.Load() + stats(s.fd).Tx_invalid_descs
}
