// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// offered are the features of the device. No segmentation: a frame is a
// packet here, and everything sent to an interface must fit into its frames.
const (
	offered      = featCsum | featGuestCsum | featMergeable | featCtrl | featIndirect | featEventIdx | featProtocol | featVersion1
	offeredProto = protoMQ | protoAck | protoMemSlots
)

// session is a connected front end.
type session struct {
	d               *Back
	features, proto uint64
	mem             *memory
}

// serve answers a front end until it hangs up, or says what makes no sense.
func (d *Back) serve(c *net.UnixConn) error {
	s := &session{d: d, mem: &memory{}}
	defer s.end()
	for {
		m, err := readMessage(c, 0)
		if err != nil {
			return err
		}
		answer, err := s.handle(m)
		closeAll(m.fds)
		if err != nil {
			err = fmt.Errorf("%s: %w", m.kind, err)
		}
		if answer == nil && m.flags&flagAck != 0 && s.proto&protoAck != 0 {
			answer = numberPayload(0)
			if err != nil {
				answer = numberPayload(1)
			}
		}
		if answer != nil {
			if err := writeMessage(c, &message{kind: m.kind, flags: version | flagReply, payload: answer}); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// end takes everything back that the front end has brought.
func (s *session) end() {
	for i := range s.d.rings {
		s.d.rings[i].forget()
	}
	s.mem.unmap()
	s.mem = &memory{}
}

// handle does what a request asks for and returns the answer, nil if the
// request has none. Descriptors that it keeps are taken out of m.
func (s *session) handle(m *message) (answer []byte, err error) {
	switch m.kind {
	case getFeatures:
		return numberPayload(s.d.offers()), m.expect(0)
	case getProtocol:
		return numberPayload(offeredProto), m.expect(0)
	case getQueueNum:
		return numberPayload(uint64(len(s.d.rings) / 2)), m.expect(0)
	case getMemSlots:
		return numberPayload(maxRegions), m.expect(0)
	case getVringBase:
		return s.stopRing(m)
	case setFeatures:
		return nil, s.setFeatures(m)
	case setProtocol:
		return nil, s.setProtocol(m)
	case setOwner:
		return nil, nil
	case resetOwner:
		return nil, s.disableAll()
	case setMemTable:
		return nil, s.setTable(m)
	case addMemRegion:
		return nil, s.addRegion(m)
	case remMemRegion:
		return nil, s.removeRegion(m)
	case setVringNum, setVringBase, setVringState:
		return nil, s.setRing(m)
	case setVringAddr:
		return nil, s.setAddresses(m)
	case setVringKick, setVringCall, setVringErr:
		return nil, s.setDescriptor(m)
	}
	return nil, errors.New("is not supported")
}

func (s *session) setFeatures(m *message) error {
	v, err := m.number()
	if err != nil {
		return err
	}
	if more := v &^ s.d.offers(); more != 0 {
		return fmt.Errorf("features %#x: were not offered", more)
	}
	s.features = v
	if v&featProtocol == 0 {
		for i := range s.d.rings {
			s.d.rings[i].enabled = true
		}
	}
	return nil
}

func (s *session) setProtocol(m *message) error {
	v, err := m.number()
	if err != nil {
		return err
	}
	if more := v &^ offeredProto; more != 0 {
		return fmt.Errorf("features %#x: were not offered", more)
	}
	s.proto = v
	return nil
}

func (s *session) disableAll() error {
	for i := range s.d.rings {
		s.d.rings[i].stop()
		s.d.rings[i].enabled = false
	}
	return nil
}

// replace puts other memory under all rings. Regions that are gone are given
// back once no worker uses them.
func (s *session) replace(m *memory, gone []region) error {
	for i := range s.d.rings {
		s.d.rings[i].stop()
	}
	s.mem = m
	for i := range gone {
		gone[i].unmap()
	}
	for i := range s.d.rings {
		if err := s.start(&s.d.rings[i]); err != nil {
			return fmt.Errorf("ring %d: %w", i, err)
		}
	}
	return nil
}

func (s *session) start(r *ring) error { return r.start(s.mem, s.features) }

func (s *session) setTable(m *message) error {
	places, err := m.table()
	if err != nil {
		return err
	}
	if len(m.fds) != len(places) {
		return fmt.Errorf("%d regions with %d descriptors", len(places), len(m.fds))
	}
	next := &memory{}
	for i, p := range places {
		if next, err = next.mapped(p, m.fds[i]); err != nil {
			return err
		}
	}
	return s.replace(next, s.mem.regions)
}

// mapped returns the memory with one more region, mapped. If that fails,
// everything is unmapped.
func (m *memory) mapped(p place, fd int) (*memory, error) {
	r, err := mapRegion(p, fd)
	if err == nil {
		var next *memory
		if next, err = m.with(r); err == nil {
			return next, nil
		}
		r.unmap()
	}
	m.unmap()
	return nil, err
}

func (s *session) addRegion(m *message) error {
	p, err := m.region()
	if err != nil {
		return err
	}
	if len(m.fds) != 1 {
		return fmt.Errorf("one region with %d descriptors", len(m.fds))
	}
	r, err := mapRegion(p, m.fds[0])
	if err != nil {
		return err
	}
	next, err := s.mem.with(r)
	if err != nil {
		r.unmap()
		return err
	}
	return s.replace(next, nil)
}

func (s *session) removeRegion(m *message) error {
	p, err := m.region()
	if err != nil {
		return err
	}
	next, gone, err := s.mem.without(p)
	if err != nil {
		return err
	}
	return s.replace(next, []region{gone})
}

// ring returns a ring by its index.
func (s *session) ring(i uint32) (*ring, error) {
	if i >= uint32(len(s.d.rings)) {
		return nil, fmt.Errorf("ring %d: there are %d", i, len(s.d.rings))
	}
	return &s.d.rings[i], nil
}

// change stops a ring, changes it and starts it again.
func (s *session) change(r *ring, f func() error) error {
	r.stop()
	if err := f(); err != nil {
		return err
	}
	return s.start(r)
}

func (s *session) setRing(m *message) error {
	v, err := m.state()
	if err != nil {
		return err
	}
	r, err := s.ring(v.index)
	if err != nil {
		return err
	}
	return s.change(r, func() error {
		switch {
		case m.kind == setVringState && v.num <= 1:
			r.enabled = v.num == 1
		case m.kind == setVringNum && v.num > 0 && v.num <= maxRing && v.num&(v.num-1) == 0:
			r.size = v.num
		case m.kind == setVringBase && v.num < 1<<16:
			r.base = uint16(v.num)
		default:
			return fmt.Errorf("ring %d: %d is out of range", v.index, v.num)
		}
		return nil
	})
}

func (s *session) setAddresses(m *message) error {
	a, err := m.addresses()
	if err != nil {
		return err
	}
	r, err := s.ring(a.index)
	if err != nil {
		return err
	}
	return s.change(r, func() error { r.addr = &a; return nil })
}

// stopRing ends the work on a ring and answers where it stands.
func (s *session) stopRing(m *message) ([]byte, error) {
	v, err := m.state()
	if err != nil {
		return nil, err
	}
	r, err := s.ring(v.index)
	if err != nil {
		return nil, err
	}
	r.stop()
	r.unkick()
	return statePayload(state{v.index, uint32(r.base)}), nil
}

// setDescriptor takes the descriptor of a ring: for the driver to wake us, or
// for us to wake it. Errors of a ring are not reported by a descriptor.
func (s *session) setDescriptor(m *message) error {
	v, err := m.number()
	if err != nil {
		return err
	}
	r, err := s.ring(uint32(v & indexMask))
	if err != nil {
		return err
	}
	fd := -1
	if v&noFD == 0 {
		if len(m.fds) != 1 {
			return fmt.Errorf("%d descriptors: must be 1", len(m.fds))
		}
		if fd, err = unix.FcntlInt(uintptr(m.fds[0]), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return err
		}
		if err := adopt(fd); err != nil {
			_ = unix.Close(fd)
			return err
		}
	}
	switch m.kind {
	case setVringKick:
		return s.change(r, func() error { return r.setKick(fd) })
	case setVringCall:
		return r.setCall(fd)
	}
	if fd >= 0 {
		_ = unix.Close(fd)
	}
	return nil
}

// setKick makes the descriptor the one that wakes us; -1: there is none, and
// the ring is to be looked at by the clock.
func (r *ring) setKick(fd int) (err error) {
	r.unkick()
	r.polled.Store(fd < 0)
	r.kicked = true
	if fd < 0 {
		// For a worker that sleeps already: start wakes it.
		if fd, err = event(); err != nil {
			return err
		}
	}
	if err := r.wait.Put(fd); err != nil {
		return err
	}
	return r.wait.Watch()
}

// unkick forgets what wakes us.
func (r *ring) unkick() {
	r.wait.Clear()
	r.polled.Store(false)
	r.kicked = false
}

// setCall makes the descriptor the one that wakes the driver. What it may
// have waited for meanwhile it is told at once.
func (r *ring) setCall(fd int) error {
	r.wake.Clear()
	if fd < 0 {
		return nil
	}
	if err := r.wake.Put(fd); err != nil {
		return err
	}
	signal(r.wake.FD())
	return nil
}
