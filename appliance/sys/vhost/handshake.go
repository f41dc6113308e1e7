// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// wanted are the features a Front uses, as far as the device has them.
const wanted = featCsum | featGuestCsum | featMergeable | featEventIdx | featVersion1 | featProtocol | featMQ

// dialog is what a Front says to a device.
type dialog struct {
	c   *net.UnixConn
	ack bool // every request is answered
}

// serve sets up a device, lets the workers go and waits until it hangs up.
func (f *Front) serve(c *net.UnixConn) error {
	defer f.stop()
	d := &dialog{c: c}
	features, err := f.negotiate(d)
	if err != nil {
		return err
	}
	if err := d.tell(setMemTable, tablePayload(f.mem.place()), f.mem.fd); err != nil {
		return err
	}
	for i := range f.rings {
		if err := f.setUp(d, i, features); err != nil {
			return fmt.Errorf("ring %d: %w", i, err)
		}
	}
	for i := range f.rings {
		if features&featProtocol == 0 {
			break
		}
		if err := d.tell(setVringState, statePayload(state{uint32(i), 1})); err != nil {
			return err
		}
	}
	m, err := readMessage(c, 0)
	if err != nil {
		return err
	}
	closeAll(m.fds)
	return fmt.Errorf("unexpected: %s", m.kind)
}

// stop takes the rings from the workers.
func (f *Front) stop() {
	for i := range f.rings {
		r := &f.rings[i]
		r.gate.shut()
		r.wait.Clear()
		r.wake.Clear()
	}
}

// negotiate agrees on features and on the number of queues.
func (f *Front) negotiate(d *dialog) (features uint64, err error) {
	if err := d.tell(setOwner, nil); err != nil {
		return 0, err
	}
	theirs, err := d.ask(getFeatures)
	if err != nil {
		return 0, err
	}
	features = theirs & wanted
	pairs := uint64(1)
	if features&featProtocol != 0 {
		proto, err := d.ask(getProtocol)
		if err != nil {
			return 0, err
		}
		proto &= protoMQ | protoAck
		if err := d.tell(setProtocol, numberPayload(proto)); err != nil {
			return 0, err
		}
		d.ack = proto&protoAck != 0
		if proto&protoMQ != 0 {
			if pairs, err = d.ask(getQueueNum); err != nil {
				return 0, err
			}
		}
	}
	if n := len(f.rings) / 2; uint64(n) > pairs || n > 1 && features&featMQ == 0 {
		return 0, fmt.Errorf("the back end has %d queue pairs: %d are needed", pairs, n)
	}
	return features, d.tell(setFeatures, numberPayload(features))
}

// setUp makes ring i known to the device and opens it for its worker.
func (f *Front) setUp(d *dialog, i int, features uint64) error {
	r := &f.rings[i]
	l := f.mem.drive(i, features)
	if i%2 == 0 {
		l.offerAll()
	} else {
		l.freeAll()
	}
	n := uint32(i)
	for _, m := range []message{
		{kind: setVringNum, payload: statePayload(state{n, uint32(f.size)})},
		{kind: setVringBase, payload: statePayload(state{n, 0})},
		{kind: setVringAddr, payload: addressPayload(f.mem.addresses(i))},
	} {
		if err := d.tell(m.kind, m.payload); err != nil {
			return err
		}
	}
	call, err := event()
	if err != nil {
		return err
	}
	if err := r.wait.Put(call); err != nil {
		return err
	}
	if err := d.tell(setVringCall, numberPayload(uint64(i)), r.wait.FD()); err != nil {
		return err
	}
	kick, err := event()
	if err != nil {
		return err
	}
	if err := r.wake.Put(kick); err != nil {
		return err
	}
	if err := d.tell(setVringKick, numberPayload(uint64(i)), r.wake.FD()); err != nil {
		return err
	}
	r.gate.open(l)
	// What was asked for before there was a ring.
	signal(r.wait.FD())
	if i%2 == 0 {
		return r.wait.Watch()
	}
	return nil
}

func event() (int, error) { return unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) }

// send sends a request with copies of descriptors.
func (d *dialog) send(kind request, flags uint32, payload []byte, fds ...int) error {
	if err := writeMessage(d.c, &message{kind: kind, flags: version | flags, payload: payload, fds: fds}); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// answer waits for the answer to a request, a number.
func (d *dialog) answer(kind request) (uint64, error) {
	m, err := readMessage(d.c, impatience)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", kind, err)
	}
	closeAll(m.fds)
	if m.kind != kind || m.flags&flagReply == 0 || len(m.payload) != 8 {
		return 0, fmt.Errorf("%s: answered with %s of %d bytes", kind, m.kind, len(m.payload))
	}
	return binary.NativeEndian.Uint64(m.payload), nil
}

// ask sends a request that has an answer.
func (d *dialog) ask(kind request) (uint64, error) {
	if err := d.send(kind, 0, nil); err != nil {
		return 0, err
	}
	return d.answer(kind)
}

// tell sends a request that has none, and waits until it is done if the other
// side can tell.
func (d *dialog) tell(kind request, payload []byte, fds ...int) error {
	if !d.ack {
		return d.send(kind, 0, payload, fds...)
	}
	if err := d.send(kind, flagAck, payload, fds...); err != nil {
		return err
	}
	v, err := d.answer(kind)
	if err == nil && v != 0 {
		err = fmt.Errorf("%s: %w", kind, errRefused)
	}
	return err
}

var errRefused = errors.New("was refused by the back end")
