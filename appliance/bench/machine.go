// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is where a run took place and what else went on there.
type Machine struct {
	Time   string `json:"time"`
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	// Load is the load average of the last minute, before and after.
	Load [2]float64 `json:"load"`
	// Steal is the part of the CPU time during the run that the hypervisor gave
	// to others, 0 to 1.
	Steal float64 `json:"steal"`

	before [2]float64 // stolen and all ticks
}

// startMachine reads what is known before a run.
func startMachine() *Machine {
	m := &Machine{Time: time.Now().UTC().Format(time.RFC3339), Kernel: firstLine("/proc/sys/kernel/osrelease"), Cores: runtime.NumCPU()}
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the name stays empty
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	m.Load[0] = load()
	m.before = ticks()
	return m
}

// finish reads the rest.
func (m *Machine) finish() {
	m.Load[1] = load()
	now := ticks()
	if all := now[1] - m.before[1]; all > 0 {
		m.Steal = (now[0] - m.before[0]) / all
	}
}

// markdown writes a line about the machine.
func (m *Machine) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s, %d cores, Linux %s, %s; load %.1f to %.1f, steal %.1f %%.\n\n",
		m.CPU, m.Cores, m.Kernel, m.Time, m.Load[0], m.Load[1], 100*m.Steal)
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file) // absent: empty
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func load() float64 { return float(at(strings.Fields(firstLine("/proc/loadavg")), 0)) }

// ticks returns the stolen and all ticks since boot (proc(5), stat).
func ticks() (t [2]float64) {
	for i, f := range strings.Fields(firstLine("/proc/stat")) {
		if i == 0 || i > 8 { // the name; guests are part of user
			continue
		}
		if v := float(f); i == 8 {
			t[0], t[1] = v, t[1]+v
		} else {
			t[1] += v
		}
	}
	return t
}

func float(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64) // what the kernel writes is a number
	return v
}
