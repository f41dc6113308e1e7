// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// generate sends frames of 60 bytes from the far end as fast as it can, on a
// thread of its own, until the function returned is called.
func (k *cable) generate() (stop func()) {
	k.t.Helper()
	var end atomic.Bool
	over := make(chan struct{})
	var out *Interface
	k.ns.Do(func() (err error) {
		out, err = OpenInterface("far", InterfaceOptions{Send: true})
		return err
	})
	c := pool(k.t, 1024)
	go func() {
		defer close(over)
		runtime.LockOSThread()
		var b packet.Batch
		for !end.Load() {
			c.AllocBatch(&b, packet.BatchSize, 60)
			for _, p := range b.Packets() {
				copy(p.Bytes(), frame60)
			}
			n := out.Send(0, c, b.Packets())
			c.FreeAll(b.Packets()[n:])
			b.Clear()
		}
	}()
	return func() {
		end.Store(true)
		<-over
		out.Close()
		c.Flush()
	}
}

var frame60 = frame(60, 1)

// threadTime returns the processor time the calling thread has used.
func threadTime() time.Duration {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkForward receives, swaps the addresses and sends back, on one
// thread, while another one generates. The figure is packets per second of
// that thread's processor time, which does not depend on what else the machine
// does.
func BenchmarkForward(b *testing.B) {
	for _, v := range []struct {
		name           string
		blocks, bypass bool
	}{{"frames", false, false}, {"frames,bypass", false, true}, {"blocks", true, false}, {"blocks,bypass", true, true}} {
		b.Run(v.name, func(b *testing.B) {
			forward(b, InterfaceOptions{Receive: true, Send: true, Frames: 4096, Blocks: v.blocks, Bypass: v.bypass})
		})
	}
}

func forward(b *testing.B, o InterfaceOptions) {
	k := connect(b, o)
	stop := k.generate()
	defer stop()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n := 0
	start := threadTime()
	for n < b.N {
		k.b.Clear()
		if k.near.Recv(0, k.c, &k.b, packet.BatchSize) == 0 {
			// Looking again and again would be counted, too.
			_ = unix.Nanosleep(&unix.Timespec{Nsec: 50_000}, nil)
			continue
		}
		for _, p := range k.b.Packets() {
			swapAddresses(p.Bytes())
		}
		sent := k.near.Send(0, k.c, k.b.Packets())
		k.c.FreeAll(k.b.Packets()[sent:])
		n += sent
	}
	b.ReportMetric(float64(n)/float64((threadTime()-start).Microseconds()), "Mpps/cpu")
}

func swapAddresses(b []byte) {
	var a [6]byte
	copy(a[:], b)
	copy(b, b[6:12])
	copy(b[6:], a[:])
}
