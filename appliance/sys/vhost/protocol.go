// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"fmt"
)

// request is the kind of a message. Unless said otherwise a request has a
// number of 64 bits and no answer.
type request uint32

const (
	getFeatures   request = 1  // answer: features
	setFeatures   request = 2  //
	setOwner      request = 3  // empty
	resetOwner    request = 4  // empty; obsolete
	setMemTable   request = 5  // table of regions, a descriptor for each
	setVringNum   request = 8  // ring state: size
	setVringAddr  request = 9  // ring addresses
	setVringBase  request = 10 // ring state: next index
	getVringBase  request = 11 // ring state; answer: the same
	setVringKick  request = 12 // ring descriptor
	setVringCall  request = 13 // ring descriptor
	setVringErr   request = 14 // ring descriptor
	getProtocol   request = 15 // answer: protocol features
	setProtocol   request = 16 //
	getQueueNum   request = 17 // answer: queue pairs
	setVringState request = 18 // ring state: 1 on, 0 off
	getMemSlots   request = 36 // answer: number of regions
	addMemRegion  request = 37 // one region and its descriptor
	remMemRegion  request = 38 // one region
)

var requestNames = map[request]string{
	getFeatures: "GET_FEATURES", setFeatures: "SET_FEATURES", setOwner: "SET_OWNER", resetOwner: "RESET_OWNER",
	setMemTable: "SET_MEM_TABLE", setVringNum: "SET_VRING_NUM", setVringAddr: "SET_VRING_ADDR", setVringBase: "SET_VRING_BASE",
	getVringBase: "GET_VRING_BASE", setVringKick: "SET_VRING_KICK", setVringCall: "SET_VRING_CALL", setVringErr: "SET_VRING_ERR",
	getProtocol: "GET_PROTOCOL_FEATURES", setProtocol: "SET_PROTOCOL_FEATURES", getQueueNum: "GET_QUEUE_NUM",
	setVringState: "SET_VRING_ENABLE", getMemSlots: "GET_MAX_MEM_SLOTS", addMemRegion: "ADD_MEM_REG", remMemRegion: "REM_MEM_REG",
}

// String returns the request's name in the protocol's document.
func (r request) String() string {
	if s := requestNames[r]; s != "" {
		return s
	}
	return fmt.Sprintf("request %d", uint32(r))
}

// Flags of a message: the version and two bits.
const (
	version     = 1
	versionMask = 3
	flagReply   = 1 << 2
	flagAck     = 1 << 3 // an answer is wanted, even to a request without one
)

// Protocol features.
const (
	protoMQ       = 1 << 0
	protoAck      = 1 << 3
	protoMemSlots = 1 << 15
)

// Features of the device and its rings (Virtio 1.1, sections 5.1.3 and 6).
const (
	featCsum      = 1 << 0  // frames from the driver may have a partial checksum
	featGuestCsum = 1 << 1  // frames to the driver may
	featMergeable = 1 << 15 // a frame to the driver may take several buffers
	featCtrl      = 1 << 17 // there is a control ring; the front end serves it
	featMQ        = 1 << 22 // several queue pairs
	featIndirect  = 1 << 28 // descriptors in tables of their own
	featEventIdx  = 1 << 29 // each side says from which index on to wake it
	featProtocol  = 1 << 30 // protocol features can be asked for
	featVersion1  = 1 << 32
)

const (
	headerSize  = 12
	maxPayload  = 8 + maxTable*regionSize
	regionSize  = 32
	maxTable    = 8  // regions in one message, as the protocol has it
	maxRegions  = 64 // regions altogether
	noFD        = 1 << 8
	indexMask   = 0xff
	addrPayload = 40
)

// message is a request or an answer. Whoever has it owns the descriptors.
type message struct {
	kind    request
	flags   uint32
	payload []byte
	fds     []int
}

// header is the fixed part of a message.
func (m *message) header() []byte {
	b := make([]byte, 0, headerSize+len(m.payload))
	b = binary.NativeEndian.AppendUint32(b, uint32(m.kind))
	b = binary.NativeEndian.AppendUint32(b, m.flags)
	return binary.NativeEndian.AppendUint32(b, uint32(len(m.payload)))
}

// parseHeader returns a message without payload, and the payload's size.
func parseHeader(b []byte) (*message, int, error) {
	m := &message{kind: request(binary.NativeEndian.Uint32(b)), flags: binary.NativeEndian.Uint32(b[4:])}
	size := binary.NativeEndian.Uint32(b[8:])
	if m.flags&versionMask != version {
		return nil, 0, fmt.Errorf("%s: version %d of the protocol: must be %d", m.kind, m.flags&versionMask, version)
	}
	if size > maxPayload {
		return nil, 0, fmt.Errorf("%s: payload of %d bytes: must be at most %d", m.kind, size, maxPayload)
	}
	return m, int(size), nil
}

// expect checks the size of the payload.
func (m *message) expect(size int) error {
	if len(m.payload) != size {
		return fmt.Errorf("payload of %d bytes: must be %d", len(m.payload), size)
	}
	return nil
}

func (m *message) number() (uint64, error) {
	if err := m.expect(8); err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(m.payload), nil
}

// state is a ring with a number.
type state struct{ index, num uint32 }

func (m *message) state() (state, error) {
	if err := m.expect(8); err != nil {
		return state{}, err
	}
	return state{binary.NativeEndian.Uint32(m.payload), binary.NativeEndian.Uint32(m.payload[4:])}, nil
}

// addresses are those of a ring's parts in the front end's process.
type addresses struct {
	index             uint32
	desc, used, avail uint64
}

func (m *message) addresses() (addresses, error) {
	if err := m.expect(addrPayload); err != nil {
		return addresses{}, err
	}
	p, n := m.payload, binary.NativeEndian
	return addresses{n.Uint32(p), n.Uint64(p[8:]), n.Uint64(p[16:]), n.Uint64(p[24:])}, nil
}

// place is where a region of memory lies: for descriptors of rings (guest),
// for addresses of rings (user), and in its file.
type place struct{ guest, size, user, offset uint64 }

func parsePlace(b []byte) place {
	n := binary.NativeEndian
	return place{n.Uint64(b), n.Uint64(b[8:]), n.Uint64(b[16:]), n.Uint64(b[24:])}
}

func (p place) append(b []byte) []byte {
	for _, v := range []uint64{p.guest, p.size, p.user, p.offset} {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

// table returns the regions of setMemTable.
func (m *message) table() ([]place, error) {
	if len(m.payload) < 8 {
		return nil, fmt.Errorf("payload of %d bytes: must be at least 8", len(m.payload))
	}
	n := int(min(binary.NativeEndian.Uint32(m.payload), maxTable+1))
	if n > maxTable || len(m.payload) < 8+n*regionSize {
		return nil, fmt.Errorf("%d regions in %d bytes: must be at most %d, of %d bytes each",
			binary.NativeEndian.Uint32(m.payload), len(m.payload), maxTable, regionSize)
	}
	places := make([]place, n)
	for i := range places {
		places[i] = parsePlace(m.payload[8+i*regionSize:])
	}
	return places, nil
}

// region returns the region of addMemRegion and remMemRegion.
func (m *message) region() (place, error) {
	if err := m.expect(8 + regionSize); err != nil {
		return place{}, err
	}
	return parsePlace(m.payload[8:]), nil
}

// The payloads of the same kinds.

func numberPayload(v uint64) []byte { return binary.NativeEndian.AppendUint64(nil, v) }

func statePayload(s state) []byte {
	return binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, s.index), s.num)
}

func addressPayload(a addresses) []byte {
	b := statePayload(state{a.index, 0})
	for _, v := range []uint64{a.desc, a.used, a.avail, 0} {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

func tablePayload(places ...place) []byte {
	b := statePayload(state{uint32(len(places)), 0})
	for _, p := range places {
		b = p.append(b)
	}
	return b
}
