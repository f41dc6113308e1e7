// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// fate is what becomes of packets in the outgoing ring. A kernel that copies
// drops a packet when the driver refuses it, because it is full or has no link,
// and comes back at once: EBUSY stands for the one packet that it took last
// (net/xdp/xsk.c). So whoever tells it about packets must listen, and only one
// can at a time.
//
//	     known            taken                    written
//	       | sent, sent, dropped | not taken yet      |
//	ring --+---------------------+--------------------+--
//
// Of a device that reads the frames itself nothing is heard: what it was given
// counts as sent.
type fate struct {
	asked   atomic.Bool   // somebody tells the kernel
	known   atomic.Uint32 // packets before this entry of the ring have been counted
	packets sys.Counter   // sent
	bytes   sys.Counter
	dropped sys.Counter // packets
	// The kernel is too old (before 6.17) to say at once what it has taken: a
	// packet that is dropped may be taken for another one of the same call.
	vague bool
}

// learn finds out what became of packets from what the kernel has taken, and
// from its answer, and returns whether there is anything new. Only who asks may
// call it.
func (s *socket) learn(answer unix.Errno) bool {
	if s.zeroCopy {
		return false
	}
	at, taken := s.fate.known.Load(), s.tx.consumer.Load()
	first := at
	var packets, bytes, size uint64
	for {
		next, n := s.outgoing(at)
		if next == at || int32(taken-next) < 0 {
			break
		}
		at, size = next, n
		packets, bytes = packets+1, bytes+n
	}
	if answer == unix.EBUSY {
		switch next, _ := s.outgoing(at); {
		case packets > 0: // the last one that was taken
			packets, bytes = packets-1, bytes-size
			s.fate.dropped.Add(1)
		case next != at: // the kernel does not say that it has taken just one
			at = next
			s.fate.dropped.Add(1)
		}
	}
	s.fate.packets.Add(packets)
	s.fate.bytes.Add(bytes)
	s.fate.known.Store(at)
	return at != first
}

// outgoing returns where the packet that begins at an entry of the outgoing ring
// ends, and how many bytes it has; that is the same entry if there is none.
func (s *socket) outgoing(at uint32) (next uint32, size uint64) {
	for end := s.tx.producer.Load(); at != end; {
		d := s.tx.at(at)
		at++
		size += uint64(d.Len)
		if d.Options&unix.XDP_PKT_CONTD == 0 {
			break
		}
	}
	return at, size
}

// trust counts all that was written as sent.
func (s *socket) trust() {
	packets, bytes := s.settle()
	s.fate.packets.Add(packets)
	s.fate.bytes.Add(bytes)
}

// bury counts what the kernel has never taken as dropped. Nobody uses the socket
// any more.
func (s *socket) bury() {
	s.learn(0)
	packets, _ := s.settle()
	s.fate.dropped.Add(packets)
}

// settle returns all that was written and is not known yet, which is known then.
func (s *socket) settle() (packets, bytes uint64) {
	at := s.fate.known.Load()
	for next, n := s.outgoing(at); next != at; next, n = s.outgoing(at) {
		at, packets, bytes = next, packets+1, bytes+n
	}
	s.fate.known.Store(at)
	return packets, bytes
}

// room returns how many entries of the outgoing ring can be written.
func (s *socket) room() int { return int(s.tx.mask + 1 - (s.tx.prod - s.fate.known.Load())) }

// untaken returns how many frames in the outgoing ring the kernel has not taken,
// or has not said that it has. Anybody may ask.
func (s *socket) untaken() uint32 {
	if s.zeroCopy {
		return s.tx.producer.Load() - s.tx.consumer.Load()
	}
	return s.tx.producer.Load() - s.fate.known.Load()
}
