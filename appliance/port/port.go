// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package port is the contract between the engine and the port drivers, and
// the part that all ports have in common: queues with their owners,
// statistics and configuration (spec: ports.md section 1).
package port

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Limits and defaults of spec: ports.md section 1.
const (
	MaxQueues        = 128
	MaxQueueSize     = 4096
	DefaultQueueSize = 1024
	DefaultMTU       = 1500
)

// Dir is a direction.
type Dir int

const (
	// Inc is from outside into the engine.
	Inc Dir = iota
	// Out is from the engine to the outside.
	Out
)

// String returns the direction as messages spell it.
func (d Dir) String() string {
	if d == Inc {
		return "incoming"
	}
	return "outgoing"
}

// Config is what every driver is told besides its own argument.
type Config struct {
	Name string
	// NumInc and NumOut are queue counts, 1..MaxQueues; SizeInc and SizeOut
	// queue sizes in packets. A driver may change them to what it has.
	NumInc, NumOut, SizeInc, SizeOut int
	// MAC is the address the port gets unless the device has one.
	MAC net.HardwareAddr
	// MTU is the device's, if it knows.
	MTU int
	// Prepared is what the driver's Prepare returned, if it has that.
	Prepared any
	Log      *slog.Logger
}

// Driver describes a port driver.
type Driver struct {
	// Name on the wire, for example "UnixSocketPort".
	Name string
	// Prefix begins the names of unnamed ports.
	Prefix string
	// Help is one line.
	Help string
	// Arg is the argument's message.
	Arg proto.Message
	// Prepare, which may be nil, finds out what takes its time, such as the
	// answer of another program. It is called before New, with nothing locked,
	// and changes nothing; what it finds, also an error, is for New to see in
	// Config.Prepared.
	Prepare func(arg proto.Message) any
	// New opens the device. cfg may be adjusted. Nothing is left behind when
	// it fails.
	New func(cfg *Config, arg proto.Message) (Device, error)
}

// New adapts a typed constructor to Driver.New.
func New[A proto.Message, D Device](f func(cfg *Config, arg A) (D, error)) func(*Config, proto.Message) (Device, error) {
	return func(cfg *Config, arg proto.Message) (Device, error) {
		d, err := f(cfg, arg.(A))
		if err != nil {
			return nil, err
		}
		return d, nil
	}
}

// Prepare adapts a typed function to Driver.Prepare.
func Prepare[A proto.Message, P any](f func(arg A) P) func(proto.Message) any {
	return func(arg proto.Message) any { return f(arg.(A)) }
}

// Device is an open port. Recv and Send are called by one worker at a time
// for each queue, while everything else may be called from the control side.
type Device interface {
	// Recv appends up to limit packets, allocated from c, to b and returns
	// their number. It does not wait.
	Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int
	// Send takes over the first packets of ps, as many as it returns, and
	// frees them to c now or later. It does not wait.
	Send(q int, c *packet.Cache, ps []packet.Packet) int
	// Close ends everything the device started and undoes what it changed on
	// the host. No worker uses it any more.
	Close()
}

// Optional interfaces of a Device.
type (
	// FDWaiter names the descriptor that becomes readable when incoming
	// queue q has packets, -1 if there is none. It is asked before every sleep.
	FDWaiter interface{ WaitFD(q int) int }

	// Retrier says in how many nanoseconds an idle incoming queue without
	// descriptor wants to be polled again, 0 for never.
	Retrier interface{ RetryAfter(q int) uint64 }

	// Configurer changes the device's configuration.
	Configurer interface {
		// SetConf applies mtu (0: keep), mac (nil: keep) and the
		// administrative state.
		SetConf(mtu int, mac net.HardwareAddr, up bool) error
	}

	// Addresser reports the MTU (0: unknown) and the hardware address (nil:
	// unknown) that the device has at the moment. Others than the port may
	// change them, and an interface that comes again may have others.
	Addresser interface {
		Address() (mtu int, mac net.HardwareAddr)
	}

	// Linker reports the state of the link.
	Linker interface{ Link() Link }

	// Statser adds device statistics, such as drops in the kernel, to those
	// that Port counts.
	Statser interface{ DeviceStats() (inc, out DeviceStats) }

	// LargeSender sends packets with packet.FlagLarge, as they are or cut.
	// Other devices are never given one: it would leave as what it is not.
	LargeSender interface{ SendsLarge() }

	// Noder restricts the port to NUMA nodes: bit n is node n.
	Noder interface{ NodeMask() uint64 }

	// Noter tells facts about the device worth showing, such as the mode it
	// runs in or that a file has ended.
	Noter interface{ Notes() []string }

	// QueueNoter marks a Noter that tells of each queue how many packets it
	// has had. For other devices Port does.
	QueueNoter interface{ NotesQueues() }
)

// NoSettings is the Configurer of devices that have nothing to be set: only the
// port is up or down.
type NoSettings struct{}

// The MTU that a port without an interface may be told.
const minMTU, maxMTU = 68, 65535

// SetConf accepts everything that could be. Errors: EINVAL.
func (NoSettings) SetConf(mtu int, _ net.HardwareAddr, _ bool) error {
	if mtu != 0 && (mtu < minMTU || mtu > maxMTU) {
		return errno.Errorf(errno.EINVAL, "mtu should be >= %d and <= %d: mtu %d", minMTU, maxMTU, mtu)
	}
	return nil
}

// QueuesNoted is the QueueNoter of devices that embed it.
type QueuesNoted struct{}

// NotesQueues marks that Notes tell how many packets each queue has had.
func (QueuesNoted) NotesQueues() {}

// DeviceStats are counters kept by the device since it was opened. Own says,
// always or never, that packets and bytes of the outgoing direction are the
// device's to count: what Send took over may have been dropped afterwards, and
// is counted then as that, once it is known.
type DeviceStats struct {
	Packets, Dropped, Bytes uint64
	Own                     bool
}

// Link is the state of a link.
type Link struct {
	SpeedMbps  uint32 // 0: unknown
	FullDuplex bool
	Autoneg    bool
	Up         bool
}

// Port is a port of the engine: a device with queues and their statistics.
type Port struct {
	Name   string
	Driver *Driver
	Arg    *anypb.Any
	Device Device
	// Prepared is what the device was opened with.
	Prepared any

	// AdminUp false stops all traffic at the port.
	adminUp atomic.Bool
	large   bool // the device is a LargeSender
	own     bool // the device counts what it sent
	inc     []Queue
	out     []Queue

	mu      sync.Mutex // guards what follows and the queues' owners
	cfg     Config
	setting *Setting
}

// Open creates a port with the driver. cfg must have been completed. What the
// driver has to prepare is prepared now if cfg has nothing of that.
func Open(d *Driver, cfg Config, arg proto.Message, asGiven *anypb.Any) (*Port, error) {
	if d.Prepare != nil && cfg.Prepared == nil {
		cfg.Prepared = d.Prepare(arg)
	}
	dev, err := d.New(&cfg, arg)
	if err != nil {
		return nil, err
	}
	if cfg.MTU == 0 {
		cfg.MTU = DefaultMTU
	}
	p := &Port{Name: cfg.Name, Driver: d, Arg: asGiven, Device: dev, Prepared: cfg.Prepared, cfg: cfg,
		inc: make([]Queue, cfg.NumInc), out: make([]Queue, cfg.NumOut)}
	p.adminUp.Store(true)
	_, p.large = dev.(LargeSender)
	if s, ok := dev.(Statser); ok {
		_, out := s.DeviceStats()
		p.own = out.Own
	}
	return p, nil
}

// Config returns the configuration as the port was opened with and clients
// changed it.
func (p *Port) Config() Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg
}

// Present returns the configuration with the MTU and the address that the
// device has at the moment, as far as it knows.
func (p *Port) Present() Config {
	c := p.Config()
	if a, ok := p.Device.(Addresser); ok {
		mtu, mac := a.Address()
		if mtu != 0 {
			c.MTU = mtu
		}
		if len(mac) == 6 {
			c.MAC = mac
		}
	}
	return c
}

// Up reports the administrative state.
func (p *Port) Up() bool { return p.adminUp.Load() }

// Setting is what clients changed; an MTU of 0 and no MAC mean: nothing.
type Setting struct {
	MTU int
	MAC net.HardwareAddr
	Up  bool
}

// Setting returns what SetConf changed since the port was opened, nil if
// nothing.
func (p *Port) Setting() *Setting {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.setting
}

// Notes returns what the device has to say, and how the packets are spread over
// the queues if there are several.
func (p *Port) Notes() (notes []string) {
	if n, ok := p.Device.(Noter); ok {
		notes = n.Notes()
	}
	var large uint64
	for i := range p.out {
		large += p.out[i].large.Load()
	}
	if large > 0 {
		notes = append(notes, fmt.Sprintf("%d packets that are still to be cut were dropped: %s cannot send them, turn large_packets off at the port they come from", large, p.Driver.Name))
	}
	if _, told := p.Device.(QueueNoter); told {
		return notes
	}
	for _, dir := range []Dir{Inc, Out} {
		qs := p.queues(dir)
		for i := range qs {
			if len(qs) > 1 {
				notes = append(notes, fmt.Sprintf("%s queue %d: %d packets, %d dropped", dir, i, qs[i].packets.Load(), qs[i].dropped.Load()))
			}
		}
	}
	return notes
}

// Queues returns the number of queues of a direction.
func (p *Port) Queues(dir Dir) int { return len(p.queues(dir)) }

func (p *Port) queues(dir Dir) []Queue {
	if dir == Inc {
		return p.inc
	}
	return p.out
}

// SetConf changes the configuration. Errors: ENOTSUP if the driver cannot.
func (p *Port) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	c, ok := p.Device.(Configurer)
	if !ok {
		return errno.Errorf(errno.ENOTSUP, "driver %s has no settings to change", p.Driver.Name)
	}
	if err := c.SetConf(mtu, mac, up); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Setting{Up: up}
	if p.setting != nil {
		s.MTU, s.MAC = p.setting.MTU, p.setting.MAC
	}
	if mtu != 0 {
		p.cfg.MTU, s.MTU = mtu, mtu
	}
	if mac != nil {
		p.cfg.MAC, s.MAC = mac, mac
	}
	p.setting = &s
	p.adminUp.Store(up)
	return nil
}

// Link returns the state of the link; full duplex and up where the driver
// has no notion of one.
func (p *Port) Link() Link {
	if l, ok := p.Device.(Linker); ok {
		return l.Link()
	}
	return Link{FullDuplex: true, Autoneg: true, Up: true}
}

// Acquire gives queue qid of a direction, or all of them if qid < 0, to
// owner. Errors: ENODEV if there is no queue in that direction, EINVAL for a
// queue that does not exist, EBUSY if any is taken.
func (p *Port) Acquire(dir Dir, qid int, owner string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	qs := p.queues(dir)
	if len(qs) == 0 {
		return errno.Errorf(errno.ENODEV, "port %s has no %s queue", p.Name, dir)
	}
	first, last := qid, qid
	if qid < 0 {
		first, last = 0, len(qs)-1
	} else if qid >= len(qs) {
		return errno.Errorf(errno.EINVAL, "port %s: %s queue %d does not exist, it has %d", p.Name, dir, qid, len(qs))
	}
	for i := first; i <= last; i++ {
		if qs[i].owner != "" {
			return errno.Errorf(errno.EBUSY, "port %s: %s queue %d is in use by module %s", p.Name, dir, i, qs[i].owner)
		}
	}
	for i := first; i <= last; i++ {
		qs[i].owner = owner
	}
	return nil
}

// Release takes back what Acquire gave to owner.
func (p *Port) Release(dir Dir, qid int, owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	qs := p.queues(dir)
	for i := range qs {
		if (qid < 0 || qid == i) && qs[i].owner == owner {
			qs[i].owner = ""
		}
	}
}

// User returns the name of a module that owns a queue, "" if there is none.
func (p *Port) User() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, qs := range [][]Queue{p.inc, p.out} {
		for i := range qs {
			if qs[i].owner != "" {
				return qs[i].owner
			}
		}
	}
	return ""
}
