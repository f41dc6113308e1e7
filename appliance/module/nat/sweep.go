// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

// sweepPart looks at the part of the mappings that is due this second.
func (t *table) sweepPart(now uint32) {
	t.lock.Lock()
	n := t.fresh/sweepSeconds + 1
	t.lock.Unlock()
	for done := uint32(0); done < n; done += sweepStep {
		t.lock.Lock()
		t.sweepSome(now)
		t.lock.Unlock()
	}
}

// removeIf removes all mappings for which old reports true.
func (t *table) removeIf(old func(m *mapping, in key) bool) {
	for from := uint32(0); ; from += sweepStep {
		t.lock.Lock()
		to := min(from+sweepStep, t.fresh)
		for i := from; i < to; i++ {
			m := &t.mappings[i]
			if in := key(m.in.Load()); in != 0 && old(m, in) {
				t.remove(i + 1)
			}
		}
		end := to == t.fresh
		t.lock.Unlock()
		if end {
			return
		}
	}
}

// sweepSome looks at the next sweepStep mappings. The lock is held.
func (t *table) sweepSome(now uint32) {
	for range min(sweepStep, t.fresh) {
		if t.cursor >= t.fresh {
			t.cursor = 0
		}
		t.expire(t.cursor, now)
		t.cursor++
	}
}

// expire removes mapping i if it is old.
func (t *table) expire(i, now uint32) {
	m := &t.mappings[i]
	if in := key(m.in.Load()); in != 0 && m.expired(in.transport(), now) {
		t.remove(i + 1)
	}
}
