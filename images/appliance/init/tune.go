// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

// tuning is how the machine is divided.
type tuning struct {
	buffers  int
	isolated []int // cores for workers, ascending
	others   []int // the rest
}

// divide reserves huge pages and moves what can be moved off the isolated
// cores: this process and all it starts, interrupts, kernel threads,
// unbound work queues. Workers bind themselves to their cores. The tick, the
// kernel's per-CPU threads and RCU callbacks stay: moving them takes kernel
// parameters (nohz_full, rcu_nocbs) of another image.
func (b *box) divide() {
	var s seed.System
	if b.told != nil && b.told.right("system") && !seed.HasErrors(b.told.findings) {
		s = b.told.System
	}
	var wrong []string
	for _, p := range []struct {
		kib, count int
		name       string
	}{{2 << 10, s.Hugepages2M, "2M"}, {1 << 20, s.Hugepages1G, "1G"}} {
		if err := reserve(p.kib, p.count); err != nil {
			wrong = append(wrong, fmt.Sprintf("system.hugepages.%s: %v", p.name, err))
		}
	}
	b.tune.buffers = s.Buffers
	if b.tune.buffers == 0 {
		b.tune.buffers = suitable(memoryKiB())
	}
	if len(s.IsolatedCores) > 0 {
		if err := b.isolate(s.IsolatedCores); err != nil {
			wrong = append(wrong, "system.isolatedCores: "+err.Error())
		}
	}
	if len(wrong) > 0 {
		b.facts.bad("system", "%s", strings.Join(wrong, "; "))
		return
	}
	b.facts.good("system")
}

// tries is how often the kernel is asked for huge pages.
const tries = 3

// reserve asks for huge pages of a size. The kernel gives what it finds, and more
// once memory has been tidied up.
func reserve(kib, count int) error {
	if count == 0 {
		return nil
	}
	file := fmt.Sprintf("/sys/kernel/mm/hugepages/hugepages-%dkB/nr_hugepages", kib)
	got := 0
	for range tries {
		if err := os.WriteFile(file, []byte(strconv.Itoa(count)), 0); err != nil {
			return fmt.Errorf("%d: %w", count, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil // it took the number
		}
		if got, _ = strconv.Atoi(strings.TrimSpace(string(text))); got >= count {
			return nil
		}
		// What was read at the start lies all over the memory.
		_ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0)
		_ = os.WriteFile("/proc/sys/vm/compact_memory", []byte("1"), 0)
	}
	return fmt.Errorf("%d: the kernel could reserve %d only", count, got)
}

// memoryKiB returns the machine's memory.
func memoryKiB() int {
	text, _ := os.ReadFile("/proc/meminfo")
	for _, l := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(l, "MemTotal:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n
		}
	}
	return 0
}

// Bounds of the number of packet buffers when the seed does not say.
const (
	leastBuffers = 4096
	mostBuffers  = 262144 // bessd's own default
	bufferBytes  = 2304   // a little more than one takes
)

// suitable returns the number of buffers that take at most a quarter of the
// memory.
func suitable(kib int) int {
	n := mostBuffers
	for n > leastBuffers && n*bufferBytes/1024 > kib/4 {
		n /= 2
	}
	return n
}

// isolate keeps cores for workers.
func (b *box) isolate(cores []int) error {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return err
	}
	online, _ := seed.ParseCores(string(text))
	for _, c := range online {
		if !slices.Contains(cores, c) {
			b.tune.others = append(b.tune.others, c)
		}
	}
	for _, c := range cores {
		if !slices.Contains(online, c) {
			return fmt.Errorf("there is no core %d, only %s", c, strings.TrimSpace(string(text)))
		}
	}
	if len(b.tune.others) == 0 {
		return fmt.Errorf("no core would be left for everything else")
	}
	b.tune.isolated = cores
	var set unix.CPUSet
	for _, c := range b.tune.others {
		set.Set(c)
	}
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	stay := 0
	for _, t := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(t))
		if unix.SchedSetaffinity(tid, &set) != nil {
			stay++ // bound to its CPU by the kernel
		}
	}
	stayIRQ := moveInterrupts(b.tune.others)
	b.facts.set(func() { b.facts.state.Isolated = cores })
	logf(notice, "cores %v are for workers; %d kernel threads and %d interrupts are bound to their CPUs and stay, as do timer tick and RCU callbacks",
		cores, stay, stayIRQ)
	return nil
}

// moveInterrupts binds interrupts and unbound work to cores, and returns how
// many interrupts cannot be moved.
func moveInterrupts(cores []int) (stay int) {
	list := make([]string, len(cores))
	mask := make([]uint32, cores[len(cores)-1]/32+1)
	for i, c := range cores {
		list[i] = strconv.Itoa(c)
		mask[c/32] |= 1 << (c % 32)
	}
	var hex []string
	for _, m := range slices.Backward(mask) {
		hex = append(hex, fmt.Sprintf("%08x", m))
	}
	_ = os.WriteFile("/proc/irq/default_smp_affinity", []byte(strings.Join(hex, ",")), 0)
	_ = os.WriteFile("/sys/devices/virtual/workqueue/cpumask", []byte(strings.Join(hex, ",")), 0)
	files, _ := filepath.Glob("/proc/irq/*/smp_affinity_list")
	for _, f := range files {
		if os.WriteFile(f, []byte(strings.Join(list, ",")), 0) != nil {
			stay++
		}
	}
	return stay
}
