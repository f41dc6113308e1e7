// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// BatchSize is the most packets a batch holds; default bursts, the limits of
// every set_burst command and the length of port histograms follow it (spec:
// scheduler.md section 1).
const BatchSize = 64

// Batch is an ordered list of up to BatchSize packets. It belongs to one
// worker; it is reused, never allocated on the way of a packet.
type Batch struct {
	pkts [BatchSize]Packet // first, and so at the beginning of a cache line
	_    [8]Packet         // room for what Pick writes too much
	n    int
}

// Len returns the number of packets.
func (b *Batch) Len() int { return b.n }

// Packets returns the packets, valid until the batch changes.
func (b *Batch) Packets() []Packet { return b.pkts[:b.n&(2*BatchSize-1)] }

// At returns packet i, 0 <= i < Len.
func (b *Batch) At(i int) Packet { return b.pkts[i] }

// Full reports whether there is no room left.
func (b *Batch) Full() bool { return b.n >= BatchSize }

// Room returns how many packets still fit.
func (b *Batch) Room() int { return BatchSize - b.n }

// Add appends p. The batch must not be full.
func (b *Batch) Add(p Packet) {
	b.pkts[b.n&(BatchSize-1)] = p
	b.n++
}

// Append appends all of ps, which must fit.
func (b *Batch) Append(ps []Packet) { b.n += copy(b.pkts[b.n:], ps) }

// Clear makes the batch empty. The packets must have found other owners.
func (b *Batch) Clear() { b.n = 0 }

// SetLen sets the number of packets after the caller has filled Slots.
func (b *Batch) SetLen(n int) { b.n = min(max(n, 0), BatchSize) }

// Slots returns all places of the batch, for a producer that fills them and
// then calls SetLen.
func (b *Batch) Slots() []Packet { return b.pkts[:] }

// Bytes returns the total length of all packets.
func (b *Batch) Bytes() uint64 {
	var sum uint64
	for _, p := range b.Packets() {
		sum += uint64(p.hdr().total)
	}
	return sum
}

// Bits returns what n packets of bytes bytes altogether count as on the
// wire, in bits, Ethernet overhead included.
func Bits(n int, bytes uint64) uint64 { return (bytes + uint64(n)*Overhead) * 8 }
