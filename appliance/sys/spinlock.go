// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"runtime"
	"sync/atomic"
)

// SpinLock keeps other workers away from something that each of them uses for
// a few microseconds at most. The zero value is unlocked. Taking a free lock
// costs one atomic operation, as does giving it back; who finds it taken
// stays on the processor, because going to sleep and waking up would take
// longer than the wait.
type SpinLock struct {
	taken atomic.Bool
	_     [60]byte // the lock's neighbours must not suffer from those who wait
}

// spins is how often Lock looks before it lets others have the processor: the
// holder may be waiting for this very core.
const spins = 1000

// Lock takes the lock.
func (l *SpinLock) Lock() {
	if l.taken.CompareAndSwap(false, true) {
		return
	}
	for i := 1; ; i++ {
		// Looking does not disturb the holder, trying does.
		if !l.taken.Load() && l.taken.CompareAndSwap(false, true) {
			return
		}
		if i%spins == 0 {
			runtime.Gosched()
		}
	}
}

// Unlock gives it back.
func (l *SpinLock) Unlock() { l.taken.Store(false) }
