// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// waking notes when a thread comes back from the system call that it sleeps
// in, by a BPF program at the kernel's tracepoint sys_exit.
type waking struct {
	first *ebpf.Map // time of the first return since it was 0 (CLOCK_MONOTONIC)
	prog  *ebpf.Program
	link  link.Link
}

// ErrNoTracing is what Wake fails with where a thread cannot be watched: the
// kernel has no such tracepoint, or this process lacks CAP_PERFMON or CAP_BPF.
var ErrNoTracing = errors.New("watch a thread with BPF")

func watchThread(tid int) (_ *waking, err error) {
	w := &waking{}
	defer func() {
		if err != nil {
			w.close()
			err = fmt.Errorf("%w: %w", ErrNoTracing, err)
			if missing := hostif.MissingCapabilities(unix.CAP_PERFMON, unix.CAP_BPF); missing != "" && errors.Is(err, unix.EPERM) {
				err = fmt.Errorf("%w: lacks %s", err, missing)
			}
		}
	}()
	if w.first, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return nil, err
	}
	// The helpers are for programs under the GPL or a compatible licence.
	if w.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, License: "Dual BSD/GPL", Instructions: wakingCode(w.first.FD(), tid)}); err != nil {
		return nil, err
	}
	w.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_exit", Program: w.prog})
	return w, err
}

// wakingCode is the program:
//
//	this thread is not tid -> end
//	first[0] == 0 -> first[0] = now
func wakingCode(first, tid int) asm.Instructions {
	return asm.Instructions{
		asm.FnGetCurrentPidTgid.Call(),
		asm.LSh.Imm(asm.R0, 32), // the thread's id is the lower half
		asm.RSh.Imm(asm.R0, 32),
		asm.JNE.Imm(asm.R0, int32(tid), "end"),
		asm.LoadMapValue(asm.R6, first, 0),
		asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
		asm.JNE.Imm(asm.R1, 0, "end"),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R6, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	}
}

func (w *waking) close() {
	if w.link != nil {
		_ = w.link.Close()
	}
	if w.prog != nil {
		_ = w.prog.Close()
	}
	if w.first != nil {
		_ = w.first.Close()
	}
}

// Wake sends single frames out of Far, one every interval, to a port whose
// worker is the thread tid. It returns how long after the moment before the
// call that sent it the worker, woken by it, was running again: its next act is
// to look at its ports. Frames for which it was not woken, because it does not
// sleep, or lost ones, are not in there. Errors: ErrNoTracing.
func (s *Site) Wake(ctx context.Context, tid, count int, interval time.Duration, core int) (took []time.Duration, err error) {
	w, err := watchThread(tid)
	if err != nil {
		return nil, err
	}
	defer w.close()
	err = s.probing(ctx, count, core, func(fd, ifindex int, frame []byte) error {
		time.Sleep(interval)
		d, err := w.once(fd, ifindex, frame)
		if d > 0 {
			took = append(took, d)
		}
		return err
	})
	return took, err
}

// once sends a probe and returns how long it took to wake the thread, 0 if it
// did not.
func (w *waking) once(fd, ifindex int, frame []byte) (time.Duration, error) {
	if err := w.first.Put(uint32(0), uint64(0)); err != nil {
		return 0, err
	}
	var start unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &start); err != nil {
		return 0, err
	}
	back, err := probeOnce(fd, ifindex, frame)
	if err != nil || back == 0 {
		return 0, err
	}
	var first uint64
	if err := w.first.Lookup(uint32(0), &first); err != nil || first == 0 {
		return 0, err
	}
	d := time.Duration(first) - time.Duration(start.Nano())
	if d > back { // it was not woken by this one
		return 0, nil
	}
	return d, nil
}
