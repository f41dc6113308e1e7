// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipfrag

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestPacer(t *testing.T) {
	var p pacer
	sent := func(now uint64) (n int) {
		for p.take(now) {
			n++
		}
		return n
	}
	const ms = answerEvery
	for _, step := range []struct {
		now  uint64
		want int
	}{{1000 * ms, 50}, {1000*ms + ms - 1, 0}, {1001 * ms, 1}, {1011 * ms, 10}, {900 * ms, 0}, {9000 * ms, 50}} {
		if n := sent(step.now); n != step.want {
			t.Errorf("at %d: %d, want %d", step.now, n, step.want)
		}
	}
}

func TestPacerOfSeveralWorkers(t *testing.T) {
	var p pacer
	var sent atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if p.take(1) {
					sent.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := sent.Load(); n != answerBurst {
		t.Errorf("%d, want %d", n, answerBurst)
	}
}
