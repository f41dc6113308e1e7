// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// recorder is the memory of one worker. The worker writes it, anybody reads
// the counters; they only grow.
//
// A histogram takes 8 bytes per bucket, of which the kernel provides the parts
// that are used.
type recorder struct {
	packets sys.Counter // all
	bytes   sys.Counter // of packets with a mark
	latency histogram
	jitter  histogram

	// The rest is of use within one batch, but for last and epoch.
	prob  uint64 // in units of 2^-32
	rand  *module.Rand
	last  uint64 // latency of the last jitter sample in ns
	valid bool   // last is set
	epoch uint64
	sum   uint64 // bytes

	_ [64]byte // neighbours belong to other workers
}

// histogram counts times in buckets of equal width. Bucket i holds times from
// i*width, and the last bucket everything above.
type histogram struct {
	buckets []sys.Counter
	used    sys.Counter // buckets from this one on are zero
	width   uint64      // ns
	// recip is 2^64/width rounded up; 0 for width 1.
	recip uint64
}

func newHistogram(n int, width uint64) histogram {
	h := histogram{buckets: sys.NewCounters(n + 1), width: width}
	if width > 1 {
		q, _ := bits.Div64(1, 0, width)
		h.recip = q + 1
	}
	return h
}

func newRecorder(n int, width uint64) *recorder {
	return &recorder{latency: newHistogram(n, width), jitter: newHistogram(n, width)}
}

// add counts one time in ns.
func (h *histogram) add(ns uint64) { h.addTimes(ns, 1) }

// addTimes counts n equal times in ns.
func (h *histogram) addTimes(ns, n uint64) {
	var i uint64
	if ns>>32 == 0 && h.recip != 0 {
		// Exact: the error of recip is below 1, ns and width are below 2^32.
		i, _ = bits.Mul64(ns, h.recip)
	} else {
		i = ns / h.width
	}
	i = min(i, uint64(len(h.buckets)-1))
	h.buckets[i].Add(n)
	if i >= h.used.Load() {
		h.used.Set(i + 1)
	}
}

// begin prepares for a batch of n packets. A new epoch means that the last
// sample was taken before a clear.
func (r *recorder) begin(n int, epoch, prob uint64, rand *module.Rand) {
	if r.epoch != epoch {
		r.epoch, r.valid = epoch, false
	}
	r.prob, r.rand, r.sum = prob, rand, 0
	// Before the latencies, so that nobody sees more of those than packets.
	r.packets.Add(uint64(n))
}

// add records a packet with a mark.
func (r *recorder) add(ns uint64, bytes int) {
	r.sum += uint64(bytes)
	r.latency.add(ns)
	if uint64(r.rand.Uint32()) < r.prob {
		r.sample(ns)
	}
}

// sample takes a latency into the jitter.
func (r *recorder) sample(ns uint64) {
	if r.valid {
		r.jitter.add(max(ns, r.last) - min(ns, r.last))
	}
	r.last, r.valid = ns, true
}

// addAll records packets that carry the same time in bytes off to off+7 of
// their metadata, as they do when they were marked as a batch and still are
// one. Otherwise it records nothing and returns false.
func (r *recorder) addAll(ps []packet.Packet, off int, now uint64) bool {
	if len(ps) == 0 || uint(off) > packet.MetadataSize-attrSize {
		return false
	}
	stamp := binary.LittleEndian.Uint64(ps[0].Metadata()[off : off+attrSize])
	if stamp == 0 || stamp > now {
		return false
	}
	rand, prob := *r.rand, r.prob // a copy can stay in a register
	var differ, sum, samples uint64
	for i, p := range ps {
		differ |= stamp ^ binary.LittleEndian.Uint64(p.Metadata()[off:off+attrSize])
		sum += uint64(p.TotalLen())
		bit := uint64(0)
		if uint64(rand.Uint32()) < prob {
			bit = 1
		}
		samples |= bit << (i & 63)
	}
	if differ != 0 {
		return false
	}
	*r.rand = rand
	r.sum += sum
	r.latency.addTimes(now-stamp, uint64(len(ps)))
	for ; samples != 0; samples &= samples - 1 {
		r.sample(now - stamp)
	}
	return true
}

// end accounts for the bytes of the batch.
func (r *recorder) end() { r.bytes.Add(r.sum) }
