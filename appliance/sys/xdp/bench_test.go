// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// generator sends frames out of the far end as fast as its core allows: the
// kernel makes them itself from one given, with a program that sends them on.
func (k *cable) generator(stop <-chan struct{}, f []byte) (over <-chan struct{}) {
	done := make(chan struct{})
	index := make(chan int, 1)
	k.ns.Do(func() error { index <- farIndex(); return nil })
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Dual BSD/GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R1, int32(<-index)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call(), asm.Return()}})
	if err != nil {
		k.t.Fatal(err)
	}
	go func() {
		defer close(done)
		defer func() { _ = prog.Close() }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			// In the namespace of the interface: an index means nothing outside.
			_ = k.ns.Run(func() error {
				_, err := prog.Run(&ebpf.RunOptions{Data: f, Repeat: 1 << 14, Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES})
				return err
			})
		}
	}()
	return done
}

// BenchmarkForward receives frames of 60 bytes over veth and sends them back
// where they came from, on one core, while the kernel makes them on another.
// Mpps/cpu is per second of the forwarding thread. (In generic mode veth drops
// what this generator makes.)
func BenchmarkForward(b *testing.B) {
	for _, o := range []struct {
		name string
		o    Options
	}{
		{"native", Options{Mode: Native}},
		{"native2048", Options{Mode: Native, FrameSize: 2048}},
		{"busypoll", Options{Mode: Native, BusyPoll: 20}},
		{"receive", Options{Mode: Native}},
	} {
		b.Run(o.name, func(b *testing.B) { forward(b, o.o, o.name != "receive") })
	}
}

func forward(b *testing.B, o Options, back bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k := connect(b, o)
	stop := make(chan struct{})
	over := k.generator(stop, frame(60, 1))
	b.ResetTimer()
	cpu := cpuTime()
	n := 0
	for n < b.N {
		k.b.Clear()
		m := k.near.Recv(0, k.c, &k.b, packet.BatchSize)
		if m == 0 {
			p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
			_, _ = unix.Poll(p, 1)
			continue
		}
		n += m
		sent := 0
		if back {
			sent = k.near.Send(0, k.c, k.b.Packets())
		}
		k.c.FreeAll(k.b.Packets()[sent:])
	}
	used := cpuTime() - cpu
	b.StopTimer()
	close(stop)
	<-over
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mpps")
	b.ReportMetric(float64(n)/used.Seconds()/1e6, "Mpps/cpu")
}

// cpuTime returns the processor time of the calling thread.
func cpuTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// BenchmarkCopy is what copying packets of a length between frames and buffers
// costs, both ways.
func BenchmarkCopy(b *testing.B) {
	for _, size := range []int{60, 1514} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			k := lay(b, 1)
			mem := make([]byte, 1024*4096)
			for i := range mem {
				mem[i] = 1 // pages are there before they are measured
			}
			i := 0
			for b.Loop() {
				p := k.c.AllocTotal(size)
				copy(p.Bytes(), mem[i&1023*4096+256:][:size])
				copy(mem[(i&1023)*4096:], p.Bytes())
				k.c.Free(p)
				i++
			}
		})
	}
}

// BenchmarkWake measures how long after a packet is sent a sleeping worker has
// it.
func BenchmarkWake(b *testing.B) {
	k := connect(b, Options{})
	f := frame(60, 1)
	sent := make(chan time.Time)
	var all []time.Duration
	go func() {
		for range b.N {
			time.Sleep(300 * time.Microsecond) // the other side sleeps by now
			at := time.Now()
			_ = unix.Send(k.far, f, 0)
			sent <- at
		}
	}()
	for range b.N {
		p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
		for k.b.Clear(); k.near.Recv(0, k.c, &k.b, 64) == 0; {
			_, _ = unix.Poll(p, -1)
		}
		now := time.Now()
		all = append(all, now.Sub(<-sent))
		k.c.FreeBatch(&k.b)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "µs-p99")
}
