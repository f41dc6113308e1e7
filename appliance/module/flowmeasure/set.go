// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowmeasure

import (
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// The histograms: buckets of equal width, and one for everything above.
const (
	resolution = 1000 // ns
	buckets    = 100
)

// Words of a flow's record.
const (
	wordSession = iota
	wordRule
	wordLast // latency of the last packet in ns, plus 1; 0: there was none
	wordPackets
	wordBytes
	wordLatency
	wordJitter  = wordLatency + buckets + 1
	recordWords = wordJitter + buckets + 1 + 1 // of which one makes whole cache lines
)

// set is one of the two sets of results, in memory outside the Go heap of
// which the kernel provides what is used. One worker writes it. Others may read
// the records below count meanwhile: their words grow, and none is ever torn.
type set struct {
	slots   []uint64 // number of a record plus 1; 0: empty. A power of two.
	records []uint64
	count   atomic.Int64 // records in use
	limit   int
	shift   uint // 64 - log2(len(slots))
}

// newSet returns a set for so many flows. Error: ENOMEM.
func newSet(limit int) (*set, error) {
	log := bits.Len(uint(2*limit - 1))
	s := &set{limit: limit, shift: uint(64 - log)}
	var err error
	if s.slots, err = sys.MapWords(1 << log); err == nil {
		s.records, err = sys.MapWords(limit * recordWords)
	}
	if err != nil {
		s.close()
		return nil, errno.Errorf(errno.ENOMEM, "entries: %d: no memory for so many flows: %v", limit, err)
	}
	return s, nil
}

func (s *set) close() {
	sys.UnmapWords(s.slots)
	sys.UnmapWords(s.records)
}

func (s *set) record(i int) []uint64 {
	return s.records[i*recordWords : (i+1)*recordWords : (i+1)*recordWords]
}

// find returns the record of a flow, a new one if need be, nil if there is no
// room for that.
func (s *set) find(session, rule uint64) []uint64 {
	hi, lo := bits.Mul64(session^0x9e3779b97f4a7c15, rule^0xd6e8feb86659fd93)
	mask := uint64(len(s.slots) - 1)
	for pos := (hi ^ lo) * 0x9e3779b97f4a7c15 >> s.shift; ; pos++ {
		slot := &s.slots[pos&mask]
		if *slot == 0 {
			n := int(s.count.Load())
			if n == s.limit {
				return nil
			}
			r := s.record(n)
			r[wordSession], r[wordRule] = session, rule
			*slot = uint64(n) + 1
			s.count.Store(int64(n) + 1)
			return r
		}
		if r := s.record(int(*slot) - 1); r[wordSession] == session && r[wordRule] == rule {
			return r
		}
	}
}

// add records a packet of a flow and reports whether there was room.
func (s *set) add(session, rule, latency, bytes uint64) bool {
	r := s.find(session, rule)
	if r == nil {
		return false
	}
	jitter := uint64(0)
	if last := r[wordLast]; last != 0 {
		last--
		jitter = max(latency, last) - min(latency, last)
	}
	r[wordLast] = latency + 1
	r[wordBytes] += bytes
	r[wordLatency+min(latency/resolution, buckets)]++
	r[wordJitter+min(jitter/resolution, buckets)]++
	r[wordPackets]++
	return true
}
