// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// tcsRates are the rates of traffic classes.
type tcsRates struct {
	interval
	Classes []tcRates `json:"traffic_classes"`

	all []*tcData
}

type tcRates struct {
	Name   string `json:"name"`
	Worker int64  `json:"worker"`
	taskRates
}

// taskRates tell what tasks did.
type taskRates struct {
	// CPUMHz are the cycles per second that were spent, in millions.
	CPUMHz           float64 `json:"cpu_mhz"`
	RunsPerSecond    float64 `json:"runs_per_second"`
	PacketsPerSecond float64 `json:"packets_per_second"`
	BitsPerSecond    float64 `json:"bits_per_second"`
	PacketsPerRun    float64 `json:"packets_per_run"`
	CyclesPerPacket  float64 `json:"cycles_per_packet"`
}

// complete works out the means.
func (r *taskRates) complete() {
	r.PacketsPerRun = ratio(r.PacketsPerSecond, r.RunsPerSecond)
	r.CyclesPerPacket = ratio(r.CPUMHz*1e6, r.PacketsPerSecond)
}

func newTaskRates(old, next tcCounts, l *lapse) taskRates {
	r := taskRates{CPUMHz: l.rate(old.Cycles, next.Cycles) / 1e6, RunsPerSecond: l.rate(old.Runs, next.Runs),
		PacketsPerSecond: l.rate(old.Packets, next.Packets), BitsPerSecond: l.rate(old.Bits, next.Bits)}
	r.complete()
	return r
}

// taskHeads are the headings of cells.
func taskHeads() []string {
	return []string{">CPU MHz", ">RUNS/s", ">Mpps", ">Gbps", ">PKT/RUN", ">CYC/PKT"}
}

func (r *taskRates) cells() []string {
	cells := []string{fixed(r.CPUMHz, 3), fixed(r.RunsPerSecond, 0), fixed(r.PacketsPerSecond/1e6, 6), fixed(r.BitsPerSecond/1e9, 6), "", ""}
	if r.PacketsPerSecond > 0 {
		cells[4], cells[5] = fixed(r.PacketsPerRun, 1), fixed(r.CyclesPerPacket, 1)
	}
	return cells
}

func monitorTCCommand(a *app, p *pace) *cobra.Command {
	var worker int64
	cmd := &cobra.Command{
		Use:   "tc [NAME…]",
		Short: "Show the rates of traffic classes",
		Long: "Shows the rates of traffic classes: CPU time, runs of tasks, packets. An inner\nclass has the sums over what is below it.\n\n" + monitorLong + `

JSON: timestamp, seconds, traffic_classes: name, worker, cpu_mhz,
runs_per_second, packets_per_second, bits_per_second, packets_per_run,
cycles_per_packet.`,
		ValidArgsFunction: a.complete(tcNames),
	}
	cmd.Flags().Int64Var(&worker, "worker", client.AnyWorker, "only the classes of this worker; -1: all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m := meter[[]*tcData, *tcsRates]{noun: "tc", rates: rateTCs, draw: drawTCRates,
			read: func(ctx context.Context, c *client.Client) ([]*tcData, error) {
				return readNamedTCs(ctx, c, worker, args)
			}}
		return m.run(cmd.Context(), a, p)
	}
	return cmd
}

func rateTCs(old, next []*tcData, s *span) *tcsRates {
	before := map[string]tcCounts{}
	for _, d := range old {
		before[d.Name] = d.tcCounts
	}
	r := &tcsRates{Classes: []tcRates{}, all: next}
	for _, d := range next {
		o, ok := before[d.Name]
		if !ok {
			continue // new: its rate is known next time
		}
		if l := s.between(o.Timestamp, d.Timestamp); l != nil {
			r.Classes = append(r.Classes, tcRates{d.Name, d.Worker, newTaskRates(o, d.tcCounts, l)})
		}
	}
	r.interval = s.interval()
	return r
}

func drawTCRates(w io.Writer, r *tcsRates) {
	if len(r.all) == 0 {
		fmt.Fprintln(w, "There are no traffic classes.")
		return
	}
	rates := map[string]*taskRates{}
	for i := range r.Classes {
		rates[r.Classes[i].Name] = &r.Classes[i].taskRates
	}
	t := newTable(append([]string{"TRAFFIC CLASS", "PLACE", ">LIMIT"}, taskHeads()...)...)
	for _, l := range tcLayout(r.all) {
		if l.tc == nil {
			t.row(l.worker)
			continue
		}
		var cells []string
		if rate := rates[l.tc.Name]; rate != nil {
			cells = rate.cells()
		}
		t.row(append([]string{l.branch + l.tc.Name, l.tc.place(), l.tc.limit()}, cells...)...)
	}
	t.write(w, "")
}
