// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"sync"
	"sync/atomic"
	"time"
)

// collector tells the kernel again about packets that it did not take when it
// was told, because it had too many under way or the link was down. The next
// Send or Recv does that, too, but there may be none: a queue may only be sent
// to, and a worker with nothing to do sleeps. A device that reads the frames
// itself is told again only if it takes none: its driver forgets what it was
// told while there is no link, or does not listen.
type collector struct {
	owed  chan struct{} // tells that there are some
	stop  chan struct{}
	slow  atomic.Bool // devices take what they were told about
	once  sync.Once
	ended sync.WaitGroup
}

// What is owed is asked for after the shortest pause, and if the kernel still
// takes nothing after ever longer ones.
const (
	shortestPause = 200 * time.Microsecond
	longestPause  = 100 * time.Millisecond
	// slowPause is the shortest one with devices that were told, and
	// are about to take what there is: they must not be disturbed.
	slowPause = 10 * time.Millisecond
)

func newCollector() *collector {
	return &collector{owed: make(chan struct{}, 1), stop: make(chan struct{})}
}

// tell has the packets asked for. It does not wait.
func (k *collector) tell() {
	select {
	case k.owed <- struct{}{}:
	default:
	}
}

// run calls ask, which reports whether anything is left and whether it has
// become less, as often as it takes, until end.
func (k *collector) run(ask func() (left, less bool)) {
	for {
		select {
		case <-k.stop:
			return
		case <-k.owed:
		}
		pause := shortestPause
		if k.slow.Load() {
			pause = slowPause
		}
		for left := true; left; {
			select {
			case <-k.stop:
				return
			case <-time.After(pause):
			}
			var less bool
			if left, less = ask(); less {
				pause = shortestPause
			} else {
				pause = min(2*pause, longestPause)
			}
		}
	}
}

func (k *collector) end() {
	k.once.Do(func() { close(k.stop) })
	k.ended.Wait()
}

// ask tells the kernel about all that it has not taken.
func (d *Device) ask() (left, less bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.queues {
		s := d.queues[i].socket.Load()
		if s == nil {
			continue
		}
		if s.untaken() == 0 {
			continue
		}
		if s.zeroCopy {
			left = true
			s.insist()
			continue
		}
		still, some := s.again()
		left, less = left || still, less || some
	}
	return left, less
}

// insist tells a device that reads the frames itself again if it has taken none
// since the last time.
func (s *socket) insist() {
	taken := s.tx.consumer.Load()
	if taken == s.seen {
		s.kick()
	}
	s.seen = taken
}
