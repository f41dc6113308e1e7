// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"runtime"
	"testing"
	"time"
)

func TestMapIsZeroedAndWritable(t *testing.T) {
	mem, err := Map(3 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer Unmap(mem)
	for _, i := range []int{0, 4096, len(mem) - 1} {
		if mem[i] != 0 {
			t.Fatalf("byte %d is %d, want 0", i, mem[i])
		}
		mem[i] = 0xff
	}
	if _, err := Map(0); err == nil {
		t.Fatal("Map(0) succeeded")
	}
}

func TestCyclesAdvanceAtTheMeasuredRate(t *testing.T) {
	hz := CyclesPerSecond()
	c0 := Cycles()
	time.Sleep(30 * time.Millisecond)
	ns := Nanoseconds(Cycles()-c0, hz)
	if ns < 29e6 {
		t.Fatalf("30 ms of sleep measured as %d ns at %d Hz", ns, hz)
	}
}

func TestNanosecondsAndCyclesOfAreInverse(t *testing.T) {
	const hz = 2_450_000_000
	for _, d := range []time.Duration{0, 1, time.Microsecond, time.Second, 400 * 24 * time.Hour} {
		c := CyclesOf(d, hz)
		back := time.Duration(Nanoseconds(c, hz))
		if diff := d - back; diff < 0 || diff > 1 {
			t.Errorf("%v -> %d cycles -> %v", d, c, back)
		}
	}
	if CyclesOf(-time.Second, hz) != 0 {
		t.Error("a negative duration is not 0 cycles")
	}
}

func TestEventWakesWaiter(t *testing.T) {
	e, err := NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var w Waiter
	w.Add(e.FD())
	w.Add(-1)
	w.Wait(0)
	done := make(chan struct{})
	go func() { w.Wait(-1); close(done) }()
	e.Signal()
	<-done
	e.Clear()
	if n := testing.AllocsPerRun(100, func() { e.Signal(); w.Wait(0); e.Clear() }); n != 0 {
		t.Fatalf("signalling and waiting allocates %v times", n)
	}
}

func TestPinThread(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the pinned thread ends with the goroutine
	cores := AllowedCores()
	if len(cores) == 0 {
		t.Fatal("no allowed cores")
	}
	if err := PinThread(0, cores[0]); err != nil {
		t.Fatal(err)
	}
	if !CoreExists(cores[0]) || CoreExists(-1) || CoreExists(100000) {
		t.Fatal("CoreExists is wrong")
	}
	if NodeOf(cores[0]) < 0 {
		t.Fatal("negative NUMA node")
	}
}
