// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"math/bits"
	"sync/atomic"
)

// allPorts is how many ports an address has.
const allPorts = 1 << 16

// space is what is known of an outside address: which of its ports belong to
// which mapping. It lives outside the Go heap and is used up page by page.
type space struct {
	id    uint32
	mem   []byte
	index [transports][]atomic.Uint32 // by port: index + 1 of the mapping
	used  [transports][]uint64        // the same as one bit per port; lock
}

// newSpace returns an empty space.
func newSpace(id uint32) (*space, error) {
	s := &space{id: id}
	index, used, mem, err := mapSpace()
	if err != nil {
		return nil, err
	}
	s.mem = mem
	for t := range transports {
		s.index[t] = index[t*allPorts : (t+1)*allPorts]
		s.used[t] = used[t*allPorts/64 : (t+1)*allPorts/64]
	}
	return s, nil
}

// set gives a port to mapping i.
func (s *space) set(t transport, port uint16, i uint32) {
	s.used[t][port/64] |= 1 << (port % 64)
	s.index[t][port].Store(i)
}

// clear makes a port free.
func (s *space) clear(t transport, port uint16) {
	s.used[t][port/64] &^= 1 << (port % 64)
	s.index[t][port].Store(0)
}

// free returns the first free port in [from, to).
func (s *space) free(t transport, from, to uint32) (uint16, bool) {
	for from < to {
		vacant := ^s.used[t][from/64] >> (from % 64)
		if vacant == 0 {
			from = (from/64 + 1) * 64
			continue
		}
		from += uint32(bits.TrailingZeros64(vacant))
		return uint16(from), from < to
	}
	return 0, false
}
