// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package urlfilter

import (
	"hash/maphash"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Limits of what is remembered, per worker: 4096 connections, 256 of them with
// a request of up to 64 KiB that is not complete.
const (
	maxFlows   = 4096
	maxBuffers = 256
	maxRequest = 64 << 10
	maxHoles   = 8
	timeout    = 10_000_000_000 // ns without packet
	sweepEvery = 1_000_000_000  // ns
)

// key is a connection as the client sends it. IPv4 addresses are in the first
// four bytes, with v6 false.
type key struct {
	src, dst     [16]byte
	sport, dport uint16
	v6           bool
}

// flow is a connection that is watched.
type flow struct {
	key     key
	chain   int32 // next flow of the bucket, or spare one, plus 1
	used    bool
	seen    uint64 // when its last packet came
	blocked bool
	lost    bool    // cannot be read any more
	next    uint32  // sequence number of the request's first byte
	buf     *buffer // nil while nothing of a request is here
}

// buffer collects a request. have are the pieces that are here, as [from, to)
// pairs, ascending and apart.
type buffer struct {
	data []byte // maxRequest
	have [maxHoles][2]int
	n    int // pieces
}

// add takes a piece at an offset; false if it does not fit.
func (b *buffer) add(at int, piece []byte) bool {
	if at < 0 || at+len(piece) > maxRequest {
		return false
	}
	from, to := at, at+len(piece)
	var merged [maxHoles + 1][2]int
	n, placed := 0, false
	for _, h := range b.have[:b.n] {
		switch {
		case h[1] < from:
			merged[n] = h
			n++
		case h[0] > to:
			if !placed {
				merged[n] = [2]int{from, to}
				n, placed = n+1, true
			}
			merged[n] = h
			n++
		default:
			from, to = min(from, h[0]), max(to, h[1])
		}
	}
	if !placed {
		merged[n] = [2]int{from, to}
		n++
	}
	if n > maxHoles {
		return false
	}
	copy(b.data[at:], piece)
	b.n = copy(b.have[:], merged[:n])
	return true
}

// ready returns the bytes from the first on without a hole.
func (b *buffer) ready() []byte {
	if b.n == 0 || b.have[0][0] != 0 {
		return nil
	}
	return b.data[:b.have[0][1]]
}

// flows are the connections that one worker watches. Everything is made
// beforehand.
type flows struct {
	all     [maxFlows]flow
	buckets [2 * maxFlows]int32 // number of a flow plus 1
	spare   int32               // likewise
	hand    int                 // next flow to give up when there is no spare one
	seed    maphash.Seed
	free    []*buffer
	mem     []byte // of the buffers, outside the Go heap; backed when used
	now     uint64
	swept   uint64
}

func newFlows() *flows {
	f := &flows{seed: maphash.MakeSeed()}
	for i := range f.all {
		f.all[i].chain = f.spare
		f.spare = int32(i + 1)
	}
	mem, err := sys.Map(maxBuffers * maxRequest)
	if err != nil {
		return f // then nothing is checked, which is counted
	}
	f.mem = mem
	buffers := make([]buffer, maxBuffers)
	for i := range buffers {
		buffers[i].data = mem[i*maxRequest : (i+1)*maxRequest]
		f.free = append(f.free, &buffers[i])
	}
	return f
}

// begin sets the time and, once a second, forgets what has been silent.
func (f *flows) begin(now uint64) {
	f.now = now
	if now-f.swept < sweepEvery {
		return
	}
	f.swept = now
	for i := range f.all {
		if fl := &f.all[i]; fl.used && f.expired(fl) {
			f.forget(fl)
		}
	}
}

func (f *flows) expired(fl *flow) bool { return f.now-fl.seen > timeout }

func (f *flows) bucket(k *key) *int32 {
	return &f.buckets[maphash.Comparable(f.seed, *k)%(2*maxFlows)]
}

// find returns a connection that is watched, nil if it is not.
func (f *flows) find(k *key) *flow {
	for i := *f.bucket(k); i != 0; i = f.all[i-1].chain {
		fl := &f.all[i-1]
		if fl.key != *k {
			continue
		}
		if f.expired(fl) {
			f.forget(fl)
			return nil
		}
		fl.seen = f.now
		return fl
	}
	return nil
}

// watch makes a connection. If there is no room, another one that is not
// blocked is given up: given reports it. nil if all are blocked.
func (f *flows) watch(k *key, next uint32) (fl *flow, given bool) {
	for i := 0; f.spare == 0; i++ {
		if i == maxFlows {
			return nil, true
		}
		old := &f.all[f.hand]
		f.hand = (f.hand + 1) % maxFlows
		if !old.blocked {
			f.forget(old)
			given = true
		}
	}
	i := f.spare
	fl = &f.all[i-1]
	f.spare = fl.chain
	head := f.bucket(k)
	*fl = flow{key: *k, used: true, chain: *head, seen: f.now, next: next}
	*head = i
	return fl, given
}

// forget ends the watch.
func (f *flows) forget(fl *flow) {
	f.release(fl)
	for at := f.bucket(&fl.key); *at != 0; at = &f.all[*at-1].chain {
		if i := *at; &f.all[i-1] == fl {
			*at = fl.chain
			*fl = flow{chain: f.spare}
			f.spare = i
			return
		}
	}
}

// buffer gives a connection a buffer; false if there is none left.
func (f *flows) buffer(fl *flow) bool {
	n := len(f.free)
	if n == 0 {
		return false
	}
	fl.buf, f.free = f.free[n-1], f.free[:n-1]
	return true
}

// release takes the buffer back.
func (f *flows) release(fl *flow) {
	if fl.buf != nil {
		fl.buf.n = 0
		f.free = append(f.free, fl.buf)
		fl.buf = nil
	}
}
