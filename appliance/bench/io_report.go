// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// IOReport is a run of the benchmark of ports in the form of its JSON.
type IOReport struct {
	Machine *Machine       `json:"machine"`
	Rows    []*IORowResult `json:"rows"`
}

// IORowResult is what was measured of one port of one target.
type IORowResult struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Target is the daemon; empty for what is none.
	Target string `json:"target,omitempty"`
	// Generator is how the frames were sent.
	Generator string `json:"generator"`
	// Notes are those of the port: the mode it was in.
	Notes []string `json:"notes,omitempty"`
	// Mpps is in millions of packets that came back per second; PerCPU the same
	// per second of processor time of the worker's thread, kernel included.
	Mpps   Spread `json:"mpps"`
	PerCPU Spread `json:"mpps_per_cpu_second"`
	// CPU is the part of its core that the worker had, 0 to 1.
	CPU Spread `json:"cpu"`
	// Sleeps is how often in a second the busiest thread went to sleep at full
	// load, and CPUIdle the part of the core that is used without any.
	Sleeps  Spread  `json:"sleeps_per_second"`
	CPUIdle float64 `json:"cpu_idle"`
	// Woken is how long after the moment before it was sent a single frame had
	// the sleeping worker running again. Nil for what does not sleep,
	// and if NotWatched tells why that could not be seen.
	Woken      *Latency `json:"woken_us,omitempty"`
	NotWatched string   `json:"woken_not_watched,omitempty"`
	// Idle and HalfLoad are how long single frames took, without others and
	// beside half of Mpps.
	Idle     *Latency `json:"latency_idle_us,omitempty"`
	HalfLoad *Latency `json:"latency_half_load_us,omitempty"`
	// Missing tells which driver the target lacks.
	Missing string `json:"missing,omitempty"`
	// Error tells what went wrong, wrong counts included.
	Error string `json:"error,omitempty"`
}

// Latency is a distribution of times, in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
	Sent int     `json:"sent"`
	Lost int     `json:"lost"`
}

func newLatency(took []time.Duration, lost int) *Latency {
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1000 }
	return &Latency{P50: at(0.5), P99: at(0.99), Max: at(1), Sent: len(took) + lost, Lost: lost}
}

// Failed tells whether a row went wrong; a missing driver is none.
func (r *IOReport) Failed() bool {
	return slices.ContainsFunc(r.Rows, func(row *IORowResult) bool { return row.Error != "" })
}

// line is the row for people who wait.
func (r *IORowResult) line() string {
	switch {
	case r.Missing != "":
		return fmt.Sprintf("%-16s missing: %s", r.Name, r.Missing)
	case r.Error != "":
		return fmt.Sprintf("%-16s FAILED: %s", r.Name, r.Error)
	}
	return fmt.Sprintf("%-16s %6.2f Mpps  %6.2f per CPU second  %s µs idle  %s µs at half load  awake after %s µs", r.Name, r.Mpps.Median, r.PerCPU.Median,
		r.Idle, r.HalfLoad, r.Woken)
}

// String returns the median and the 99th percentile.
func (l *Latency) String() string {
	if l == nil {
		return "–"
	}
	s := fmt.Sprintf("%.0f / %.0f", l.P50, l.P99)
	if l.Lost > 0 {
		s += fmt.Sprintf(" (%d of %d lost)", l.Lost, l.Sent)
	}
	return s
}

// Markdown writes the report as a table.
func (r *IOReport) Markdown(w io.Writer) {
	r.Machine.markdown(w)
	fmt.Fprint(w, "| Port | Target | Mpps | Mpps per CPU second | Core used | Idle p50 / p99, µs | Half load p50 / p99, µs | Generator |\n|---|---|---:|---:|---:|---:|---:|---|\n")
	for _, row := range r.Rows {
		if row.Missing != "" || row.Error != "" {
			fmt.Fprintf(w, "| %s | %s | %s%s | | | | | |\n", row.Title, row.Target, row.Missing, strings.ReplaceAll(row.Error, "\n", " "))
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %.2f (%.2f–%.2f) | %.2f (%.2f–%.2f) | %.0f %% | %s | %s | %s |\n", row.Title, row.Target, row.Mpps.Median, row.Mpps.Min, row.Mpps.Max,
			row.PerCPU.Median, row.PerCPU.Min, row.PerCPU.Max, 100*row.CPU.Median, row.Idle, row.HalfLoad, row.Generator)
	}
	r.sleep(w)
	for _, row := range r.Rows {
		if len(row.Notes) > 0 {
			fmt.Fprintf(w, "\n`%s`: %s\n", row.Name, strings.Join(row.Notes, "; "))
		}
	}
}

// sleep writes a table of how the workers sleep and wake.
func (r *IOReport) sleep(w io.Writer) {
	fmt.Fprint(w, "\n| Port | Target | Core used without traffic | Running after p50 / p99 / max, µs | Sleeps per second at full load |\n|---|---|---:|---:|---:|\n")
	var reasons []string // once each
	for _, row := range r.Rows {
		if row.Missing != "" || row.Error != "" {
			continue
		}
		woken := row.Woken.String()
		if row.Woken != nil {
			woken = fmt.Sprintf("%.0f / %.0f / %.0f", row.Woken.P50, row.Woken.P99, row.Woken.Max)
		}
		fmt.Fprintf(w, "| %s | %s | %.2f %% | %s | %.0f |\n", row.Title, row.Target, 100*row.CPUIdle, woken, row.Sleeps.Median)
		if row.NotWatched != "" && !slices.Contains(reasons, row.NotWatched) {
			reasons = append(reasons, row.NotWatched)
		}
	}
	for _, reason := range reasons {
		fmt.Fprintf(w, "\nWhen workers were running after a frame is not known: %s\n", strings.ReplaceAll(reason, "\n", " "))
	}
}
