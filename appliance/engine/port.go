// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/rand"
	"net"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// Drivers returns the names of the port drivers in byte order.
func (e *Engine) Drivers() []string { return sortedKeys(e.drivers) }

// Driver returns a port driver. Errors: EINVAL for an empty name, ENOENT.
func (e *Engine) Driver(name string) (*port.Driver, error) {
	if name == "" {
		return nil, errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	d := e.drivers[name]
	if d == nil {
		return nil, errno.Errorf(errno.ENOENT, "No driver '%s' found%s", name, suggest(name, e.Drivers()))
	}
	return d, nil
}

// PortSpec is what a client says about a port to be made.
type PortSpec struct {
	Name, Driver                     string
	NumInc, NumOut, SizeInc, SizeOut uint64
	Arg                              *anypb.Any

	mac      net.HardwareAddr // nil: a random one
	prepared any              // see PreparePort
}

// PreparePort lets the driver find out what takes its time, such as where a
// container is, before the engine is locked for CreatePort. What stands against
// the port is left for that to say.
func (e *Engine) PreparePort(s PortSpec) PortSpec {
	if !e.PreparesPorts(s.Driver) {
		return s
	}
	d := e.drivers[s.Driver]
	if msg, err := decodeArg(s.Name, d.Name, d.Arg, s.Arg); err == nil {
		s.prepared = d.Prepare(msg)
	}
	return s
}

// PreparesPorts reports whether a driver has something to do in PreparePort.
func (e *Engine) PreparesPorts(driver string) bool {
	d := e.drivers[driver]
	return d != nil && d.Prepare != nil
}

// CreatePort opens a port. Errors: EINVAL for a missing driver, a bad name,
// queue count, queue size or argument, ENOENT for an unknown driver, EEXIST,
// and what the driver answers.
func (e *Engine) CreatePort(s PortSpec) (*port.Port, error) {
	s = e.PreparePort(s)
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.createPort(s)
}

func (e *Engine) createPort(s PortSpec) (*port.Port, error) {
	if s.Driver == "" {
		return nil, errno.Errorf(errno.EINVAL, "Missing 'driver' field")
	}
	d := e.drivers[s.Driver]
	if d == nil {
		return nil, errno.Errorf(errno.ENOENT, "No port driver '%s' found%s", s.Driver, suggest(s.Driver, e.Drivers()))
	}
	cfg, err := e.portConfig(s)
	if err != nil {
		return nil, err
	}
	if s.Name == "" {
		cfg.Name = freeName(d.Prefix, func(n string) bool { return e.ports[n] != nil })
	} else if err := checkName("port", s.Name); err != nil {
		return nil, err
	} else if e.ports[s.Name] != nil {
		return nil, errno.Errorf(errno.EEXIST, "Port '%s' already exists", s.Name)
	}
	what := d.Name + " " + cfg.Name
	msg, err := decodeArg(what, d.Name, d.Arg, s.Arg)
	if err != nil {
		return nil, err
	}
	cfg.Log, cfg.Prepared = e.log.With("port", cfg.Name, "driver", d.Name), s.prepared
	p, err := port.Open(d, cfg, msg, cloneAny(s.Arg))
	if err != nil {
		return nil, errno.Wrap(err, "%s", what)
	}
	e.ports[p.Name] = p
	j := e.undo
	e.undo.add(func() {
		delete(e.ports, p.Name)
		if j.exposed {
			e.installAll() // its users are gone from the graph, now from the workers too
		}
		p.Device.Close()
	})
	e.changed()
	return p, nil
}

// portConfig checks and completes queue counts and sizes.
func (e *Engine) portConfig(s PortSpec) (port.Config, error) {
	cfg := port.Config{Name: s.Name, MAC: s.mac}
	if cfg.MAC == nil {
		cfg.MAC = randomMAC()
	}
	for _, q := range []struct {
		field string
		value uint64
		limit uint64
		def   int
		text  string
		dst   *int
	}{
		{"num_inc_q", s.NumInc, port.MaxQueues, 1, "Invalid number of queues", &cfg.NumInc},
		{"num_out_q", s.NumOut, port.MaxQueues, 1, "Invalid number of queues", &cfg.NumOut},
		{"size_inc_q", s.SizeInc, port.MaxQueueSize, port.DefaultQueueSize, "Invalid queue size", &cfg.SizeInc},
		{"size_out_q", s.SizeOut, port.MaxQueueSize, port.DefaultQueueSize, "Invalid queue size", &cfg.SizeOut},
	} {
		if q.value > q.limit {
			return cfg, errno.Errorf(errno.EINVAL, "%s: %s: %d must be 0..%d", q.text, q.field, q.value, q.limit)
		}
		*q.dst = int(q.value)
		if q.value == 0 {
			*q.dst = q.def
		}
	}
	return cfg, nil
}

// randomMAC returns a locally administered unicast address.
func randomMAC() net.HardwareAddr {
	mac := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mac)
	mac[0] = mac[0]&^1 | 2
	return mac
}

// DestroyPort closes a port. Errors: EINVAL for an empty name, ENOENT, EBUSY
// while a module uses one of its queues.
func (e *Engine) DestroyPort(name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		return errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	p := e.ports[name]
	if p == nil {
		return errno.Errorf(errno.ENOENT, "No port `%s' found", name)
	}
	return e.destroyPort(p)
}

func (e *Engine) destroyPort(p *port.Port) error {
	if user := p.User(); user != "" {
		return portInUse(p, user)
	}
	delete(e.ports, p.Name)
	p.Device.Close()
	e.changed()
	return nil
}

func portInUse(p *port.Port, user string) error {
	return errno.Errorf(errno.EBUSY, "%s: port %s is used by module %s", errno.Text(errno.EBUSY), p.Name, user)
}

// ResetPorts closes all ports in name order and stops at the first one in
// use (EBUSY).
func (e *Engine) ResetPorts() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.resetPorts()
}

func (e *Engine) resetPorts() error {
	for _, name := range sortedKeys(e.ports) {
		if err := e.destroyPort(e.ports[name]); err != nil {
			return err
		}
	}
	return nil
}

// ListPorts returns all ports by name.
func (e *Engine) ListPorts() []*port.Port {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []*port.Port{}
	for _, name := range sortedKeys(e.ports) {
		list = append(list, e.ports[name])
	}
	return list
}

// Port returns a port, or nil.
func (e *Engine) Port(name string) *port.Port {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ports[name]
}

// SetPortConf changes a port's MTU (0: keep), address (all zero: keep) and
// administrative state. Errors: EINVAL for an empty name or an address that is
// malformed or for several stations, ENOENT, and what the driver answers.
func (e *Engine) SetPortConf(name, mac string, mtu uint32, up bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		return errno.Errorf(errno.EINVAL, "Port name is not given")
	}
	p := e.ports[name]
	if p == nil {
		return errno.Errorf(errno.ENOENT, "No port `%s' found", name)
	}
	addr, err := header.ParseMAC(mac)
	if err != nil {
		return errno.Errorf(errno.EINVAL, "MAC address should be formatted xx:xx:xx:xx:xx:xx: port %s: mac_addr: %q", name, mac)
	}
	var hw net.HardwareAddr
	if addr != (header.MAC{}) {
		hw = addr[:]
	}
	if addr[0]&1 != 0 {
		return errno.Errorf(errno.EINVAL, "port %s: mac_addr: %s: must be the address of one station", name, hw)
	}
	if err := p.SetConf(int(mtu), hw, up); err != nil {
		return errno.Wrap(err, "port %s", name)
	}
	e.changed()
	return nil
}
