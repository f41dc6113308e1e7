// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is a run in the form of its JSON.
type Report struct {
	Machine *Machine     `json:"machine"`
	Rows    []*RowResult `json:"rows"`
}

// RowResult is what was measured of one row.
type RowResult struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Results []Result `json:"results,omitempty"`
	// Ratio is the first target's rate by the second's, pair by pair.
	Ratio *Spread `json:"ratio,omitempty"`
	// Missing tells which class which target lacks.
	Missing string `json:"missing,omitempty"`
	// Error tells what went wrong, a wrong answer of a pipeline included.
	Error string `json:"error,omitempty"`
}

// Result is one target's part of a row.
type Result struct {
	Target string `json:"target"`
	// Mpps is in millions of packets per second, of CPU time where it is seen.
	Mpps Spread `json:"mpps"`
	// NsPerPacket is that of the median.
	NsPerPacket float64 `json:"ns_per_packet"`
	// CPU is the part of its core that the worker had, 0 to 1, in the median.
	CPU float64 `json:"cpu"`
	// Corrected is set if Mpps is per second of CPU time.
	Corrected bool `json:"corrected"`
}

// Spread is the middle and the ends of several readings.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spread(v []float64) Spread {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return Spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1]}
}

func newResult(s *side) Result {
	r := Result{Target: s.c.Address(), Mpps: spread(s.mpps), CPU: spread(s.cpu).Median, Corrected: s.pid != 0}
	if r.Mpps.Median > 0 {
		r.NsPerPacket = 1000 / r.Mpps.Median
	}
	return r
}

// ratio compares readings that were taken one after the other.
func ratio(a, b []float64) *Spread {
	var q []float64
	for i := range a {
		if b[i] > 0 {
			q = append(q, a[i]/b[i])
		}
	}
	if len(q) == 0 {
		return nil
	}
	s := spread(q)
	return &s
}

// fail records why a row has no result.
func (r *RowResult) fail(target string, err error) {
	r.Results = nil
	var m *missingError
	if errors.As(err, &m) {
		r.Missing = fmt.Sprintf("%s: %s", target, m)
		return
	}
	r.Error = fmt.Sprintf("%s: %s", target, err)
}

// Failed tells whether a row went wrong; a missing class is none.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Rows, func(row *RowResult) bool { return row.Error != "" })
}

// line is the row for people who wait.
func (r *RowResult) line() string {
	switch {
	case r.Missing != "":
		return fmt.Sprintf("%-16s missing: %s", r.Name, r.Missing)
	case r.Error != "":
		return fmt.Sprintf("%-16s FAILED: %s", r.Name, r.Error)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s", r.Name)
	for _, s := range r.Results {
		fmt.Fprintf(&b, " %9.2f Mpps", s.Mpps.Median)
	}
	if r.Ratio != nil {
		fmt.Fprintf(&b, "  × %.2f (%.2f to %.2f)", r.Ratio.Median, r.Ratio.Min, r.Ratio.Max)
	}
	return b.String()
}

// Markdown writes the report as a table.
func (r *Report) Markdown(w io.Writer) {
	r.Machine.markdown(w)
	targets := r.targets()
	fmt.Fprint(w, "| Row | Pipeline |")
	for _, t := range targets {
		fmt.Fprintf(w, " %s, Mpps | ns |", t)
	}
	fmt.Fprintf(w, " Ratio |\n|---|---|%s---|\n", strings.Repeat("---:|---:|", len(targets)))
	for _, row := range r.Rows {
		fmt.Fprintf(w, "| `%s` | %s |", row.Name, row.Title)
		for i := range targets {
			if i < len(row.Results) {
				s := row.Results[i]
				fmt.Fprintf(w, " %.2f (%.2f–%.2f) | %.1f |", s.Mpps.Median, s.Mpps.Min, s.Mpps.Max, s.NsPerPacket)
			} else {
				fmt.Fprint(w, " | |")
			}
		}
		fmt.Fprintf(w, " %s |\n", row.verdict())
	}
}

func (r *RowResult) verdict() string {
	switch {
	case r.Missing != "":
		return "missing: " + r.Missing
	case r.Error != "":
		return "failed: " + r.Error
	case r.Ratio != nil:
		return fmt.Sprintf("%.2f (%.2f–%.2f)", r.Ratio.Median, r.Ratio.Min, r.Ratio.Max)
	}
	return ""
}

// targets are those of the first complete row.
func (r *Report) targets() []string {
	for _, row := range r.Rows {
		var names []string
		for _, s := range row.Results {
			names = append(names, s.Target)
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
}
