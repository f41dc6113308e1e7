// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// Options say what a Device is to be.
type Options struct {
	// Name of the interface, 1..15 bytes.
	Name string
	// Where the interface is to appear. A container should have been found.
	Where netns.Target
	// MAC and MTU of the interface; an MTU of 0 stands for 1500.
	MAC net.HardwareAddr
	MTU int
	// Addresses of the interface, such as 10.0.0.1/24.
	Addresses []string
	// Incoming queues, each of which is one of the device's, and outgoing
	// ones, which share these; 1..128.
	Incoming, Outgoing int
	// QueueLength is how many packets the kernel keeps until they are
	// received.
	QueueLength int
	// Large lets packets in as programs left them to be cut, with
	// packet.FlagLarge.
	Large bool
	// Persist keeps the interface after Close, and takes one that exists.
	Persist bool
	// CPUs are where the kernel works on what is sent, one for each outgoing
	// queue, or none: that of the sender.
	CPUs []int
	// InnerTCI and OuterTCI are tag control information of VLAN tags to put
	// onto what is received; 0: none.
	InnerTCI, OuterTCI uint16
	// Loopback makes what is sent come back, instead of going to the
	// interface.
	Loopback bool
}

// Device is a TAP device. It outlives the interface: when that is deleted, or
// its namespace, nothing is received or sent until it can be made again.
//
// Recv belongs to one worker at a time for each queue, and Send to another.
type Device struct {
	o    Options
	home *netns.Namespace // where devices are made
	in   []inQueue
	out  []outQueue

	presence presence.Note

	gone  atomic.Bool     // the interface is, keep was told
	lost  chan struct{}   // tells keep
	over  context.Context // ends keep
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex // guards the rest
	state   state      // as it was asked for
	notes   []string   // of the last creation
	returns int        // how often the interface was made again
	trouble error      // why that fails
	drops   drops
}

// Open makes the interface. Errors: EEXIST if there is one of that name, those
// of netns.Target, EINVAL for names, addresses and CPUs that cannot be, and
// what the kernel answers.
func Open(o Options) (*Device, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &Device{o: o, state: state{o.MTU, o.MAC, true}, lost: make(chan struct{}, 1)}
	d.over, d.stop = context.WithCancel(context.Background())
	if err := d.open(); err != nil {
		d.stop()
		d.release()
		return nil, err
	}
	d.ended.Go(d.keep)
	return d, nil
}

// open acquires everything; release gives back as much as there is.
func (d *Device) open() (err error) {
	if d.home, err = netns.Current(); err != nil {
		return err
	}
	d.in = make([]inQueue, d.o.Incoming)
	d.out = make([]outQueue, d.o.Outgoing)
	for i := range d.in {
		if err := d.in[i].open(&d.o); err != nil {
			return err
		}
	}
	for i := range d.out {
		if err := d.out[i].open(&d.in[i%len(d.in)]); err != nil {
			return err
		}
	}
	fds, err := d.create(d.o.Where)
	if err != nil {
		return err
	}
	for i := range d.in {
		in := &d.in[i]
		if in.wait = !isNonblocking(fds[i]); !in.wait {
			// Several calls in one need flags of each, too.
			in.reads.Singly(errNoFlags)
		}
	}
	return d.connect(fds)
}

var errNoFlags = errors.New("the kernel is too old")

func (in *inQueue) open(o *Options) (err error) {
	in.large = o.Large
	in.long.Store(o.Large || o.MTU > shortMTU)
	in.tags = [2]tag{{0x8100, o.InnerTCI}, {0x88a8, o.OuterTCI}}
	if in.slot, err = sys.NewSlot(); err != nil {
		return err
	}
	if in.over, err = sys.Map(packet.BatchSize * packet.MaxTotal); err != nil {
		return err
	}
	if in.reads, err = sys.NewTransfers(packet.BatchSize, 2*packet.BatchSize); err != nil {
		return err
	}
	in.ahead = fewest
	if !o.Loopback {
		return nil
	}
	if in.loop, err = newLoop(); err != nil {
		return err
	}
	return in.slot.AlsoWatch(in.loop.wake.FD())
}

func (out *outQueue) open(in *inQueue) (err error) {
	out.slot = in.slot
	if in.loop != nil {
		out.loop = in.loop.add()
	}
	if out.head, err = sys.Map(packet.BatchSize * headerSize); err != nil {
		return err
	}
	out.writes, err = sys.NewTransfers(packet.BatchSize, maxSegments)
	return err
}

func (d *Device) release() {
	for i := range d.in {
		in := &d.in[i]
		if in.loop != nil {
			in.loop.close()
		}
		if in.slot != nil {
			in.slot.Close()
		}
		if in.reads != nil {
			in.reads.Close()
		}
		sys.Unmap(in.over)
	}
	for i := range d.out {
		out := &d.out[i]
		if out.writes != nil {
			out.writes.Close()
		}
		sys.Unmap(out.head)
	}
	if d.home != nil {
		d.home.Close()
	}
}

// connect puts the queues of a new device behind the slots.
func (d *Device) connect(fds []int) error {
	for i, fd := range fds {
		in := &d.in[i]
		err := in.slot.Put(fd)
		if err == nil {
			err = in.slot.Watch()
		}
		if err != nil {
			closeAll(fds[i+1:])
			return err
		}
	}
	return nil
}

// Close ends the traffic and removes the interface, unless it is to stay. No
// worker uses the device any more.
func (d *Device) Close() {
	d.stop()
	d.ended.Wait()
	d.release()
}

// WaitFD returns a descriptor that is readable while incoming queue q has
// packets. It stays the same when the interface is made again.
func (d *Device) WaitFD(q int) int { return d.in[q].slot.WaitFD() }
