// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

// alarm is when a blocked node is to be unblocked.
type alarm struct {
	at  uint64 // time, 0 if none
	seq uint64 // order of planning, decides between equal times
	pos int    // index in the queue
}

func (a *alarm) before(b *alarm) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// wakeQueue is a binary heap of the nodes with an alarm, soonest first.
type wakeQueue struct {
	heap []*node
	seq  uint64
}

// soonest returns the time of the next alarm, the largest number if none.
func (q *wakeQueue) soonest() uint64 {
	if len(q.heap) == 0 {
		return ^uint64(0)
	}
	return q.heap[0].wake.at
}

// push adds n, whose wake.at is set.
func (q *wakeQueue) push(n *node) {
	q.seq++
	n.wake.seq, n.wake.pos = q.seq, len(q.heap)
	q.heap = append(q.heap, n)
	q.rise(n.wake.pos)
}

// remove takes n out; its wake.at stays as it is.
func (q *wakeQueue) remove(n *node) {
	i, last := n.wake.pos, len(q.heap)-1
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	if i < last {
		q.heap[i] = moved
		moved.wake.pos = i
		q.down(i)
		q.rise(moved.wake.pos)
	}
}

// rise and down restore the heap's order from index i.
func (q *wakeQueue) rise(i int) {
	n := q.heap[i]
	for i > 0 {
		up := (i - 1) / 2
		if !n.wake.before(&q.heap[up].wake) {
			break
		}
		q.heap[i] = q.heap[up]
		q.heap[i].wake.pos = i
		i = up
	}
	q.heap[i] = n
	n.wake.pos = i
}

func (q *wakeQueue) down(i int) {
	h := q.heap
	n := h[i]
	for {
		k := 2*i + 1
		if k >= len(h) {
			break
		}
		if k+1 < len(h) && h[k+1].wake.before(&h[k].wake) {
			k++
		}
		if !h[k].wake.before(&n.wake) {
			break
		}
		h[i] = h[k]
		h[i].wake.pos = i
		i = k
	}
	h[i] = n
	n.wake.pos = i
}
