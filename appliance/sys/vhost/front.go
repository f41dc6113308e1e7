// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// MaxSize is the largest ring of a Front, in buffers.
const MaxSize = 4096

// Front is the driver's side: it brings the memory and plugs into a Back, of
// this program or another. It is there whether or not it is connected; each
// connection begins with empty rings.
type Front struct {
	peer  peer
	size  int
	rings []frontRing
	mem   *shared
}

// OpenFront opens a driver.
func OpenFront(o Options) (*Front, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Size < 2 || o.Size > MaxSize || o.Size&(o.Size-1) != 0 {
		return nil, errno.Errorf(errno.EINVAL, "queue size: %d: must be a power of two in 2..%d", o.Size, MaxSize)
	}
	f := &Front{size: o.Size, rings: make([]frontRing, 2*o.Queues)}
	f.peer = peer{path: o.Path, client: o.Client, serve: f.serve, log: o.Log}
	err := f.init()
	if err == nil {
		err = f.peer.open()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Front) init() (err error) {
	for i := range f.rings {
		if err := f.rings[i].init(f.peer.hangUp); err != nil {
			return err
		}
	}
	f.mem, err = newShared(len(f.rings), f.size)
	return err
}

// Close hangs up and releases everything. No worker uses it any more.
func (f *Front) Close() {
	f.peer.close()
	for i := range f.rings {
		f.rings[i].close()
	}
	if f.mem != nil {
		f.mem.close()
	}
}

// WaitFD asks the device to wake us when it sends something on queue q, and
// returns the descriptor that is readable then, or if it has done so already.
func (f *Front) WaitFD(q int) int {
	r := &f.rings[2*q]
	if r.arm() {
		signal(r.wait.FD())
	}
	return r.wait.WaitFD()
}

// RetryAfter is never: the descriptor always tells.
func (f *Front) RetryAfter(int) uint64 { return 0 }

// Up reports whether a device is connected and all queues are set up.
func (f *Front) Up() bool { return f.rings[len(f.rings)-1].gate.what.Load() != nil }

// Dropped returns how many packets were lost on reception for want of a
// buffer, or because they were too long or empty.
func (f *Front) Dropped() uint64 {
	n := uint64(0)
	for i := range f.rings {
		n += f.rings[i].lost.Load()
	}
	return n
}

// Notes describe the state.
func (f *Front) Notes() []string {
	return append(f.peer.notes("back end"), fmt.Sprintf("%d queue pairs of %d buffers", len(f.rings)/2, f.size))
}
