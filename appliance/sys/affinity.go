// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// CoreExists reports whether the machine has that CPU core (spec:
// scheduler.md section 2; the process need not be allowed on it).
func CoreExists(core int) bool {
	if core < 0 {
		return false
	}
	_, err := os.Stat(filepath.Join("/sys/devices/system/cpu", "cpu"+strconv.Itoa(core), "topology/core_id"))
	return err == nil
}

// NodeOf returns the NUMA node of a core, 0 where the kernel does not say.
func NodeOf(core int) int {
	m, err := filepath.Glob(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/node*", core))
	if err != nil || len(m) == 0 {
		return 0
	}
	n, err := strconv.Atoi(filepath.Base(m[0])[len("node"):])
	if err != nil {
		return 0
	}
	return n
}

// NodeExists reports whether the machine has that NUMA node; 0 where the kernel
// knows of none.
func NodeExists(node int) bool {
	if node == 0 {
		return true
	}
	_, err := os.Stat(filepath.Join("/sys/devices/system/node", "node"+strconv.Itoa(node)))
	return node > 0 && err == nil
}

// AllowedCores returns the cores the process may run on, ascending.
func AllowedCores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(os.Getpid(), &set) != nil {
		return nil
	}
	var cores []int
	for i := 0; i < len(set)*64; i++ {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}

// ThreadID returns the kernel's id of the calling thread.
func ThreadID() int { return unix.Gettid() }

// PinThread binds thread tid (0: the calling one, which must be locked to its
// goroutine) to the given cores.
func PinThread(tid int, cores ...int) error {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("pin thread to cores %v: %w", cores, err)
	}
	return nil
}

// PinOthers binds every thread of the process except those in keep to the
// given cores. Threads that end meanwhile are ignored; threads started later
// inherit the binding of the thread that starts them.
func PinOthers(keep map[int]bool, cores []int) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil || len(cores) == 0 {
		return
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err == nil && !keep[tid] {
			_ = PinThread(tid, cores...)
		}
	}
}

// preferred is the nice value of a thread that is to get its core whenever it
// wants: about 97 % of the time against one of the usual 0. Real-time classes
// are no choice for a thread that may spin for ever.
const preferred = -15

// usual is the nice value the process was started with.
var usual = Nice(0)

// Nice returns the nice value of thread tid (0: the calling one), -20..19; 0 if
// there is no such thread.
func Nice(tid int) int {
	v, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	if err != nil {
		return 0
	}
	return 20 - v // the system call's answer is never negative
}

// Prefer gives thread tid precedence over others on its core, or takes that
// away again. Without the right to (CAP_SYS_NICE) nothing changes.
func Prefer(tid int, on bool) {
	nice := usual
	if on {
		nice = min(preferred, usual)
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
}
