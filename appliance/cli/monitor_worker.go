// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// workerReading is a worker with what its roots have done.
type workerReading struct {
	*workerData
	roots map[string]tcCounts
	// at is the daemon's time of a root, else the local one.
	at float64
}

// workersRates are the rates of workers.
type workersRates struct {
	interval
	Workers []workerRates `json:"workers"`
}

type workerRates struct {
	Worker  int64 `json:"worker"`
	Core    int64 `json:"core"`
	Running bool  `json:"running"`
	taskRates
	SilentDropsPerSecond float64 `json:"silent_drops_per_second"`

	state string
}

func monitorWorkerCommand(a *app, p *pace) *cobra.Command {
	return &cobra.Command{
		Use:   "worker [ID…]",
		Short: "Show the rates of workers",
		Long: "Shows the rates of workers: the CPU time that tasks took, runs of tasks, packets,\n" +
			"and silent drops (packets that ended in unconnected gates or were dropped by\nmodules).\n\n" + monitorLong + `

JSON: timestamp, seconds, workers: worker, core, running, cpu_mhz,
runs_per_second, packets_per_second, bits_per_second, packets_per_run,
cycles_per_packet, silent_drops_per_second.`,
		ValidArgsFunction: a.complete(workerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := meter[[]*workerReading, *workersRates]{noun: "worker", rates: rateWorkers, draw: drawWorkerRates,
				read: func(ctx context.Context, c *client.Client) ([]*workerReading, error) {
					return readWorkerRoots(ctx, c, args)
				}}
			return m.run(cmd.Context(), a, p)
		},
	}
}

// readWorkerRoots reads workers and the counters of the roots of their trees.
func readWorkerRoots(ctx context.Context, c *client.Client, ids []string) ([]*workerReading, error) {
	workers, err := readWorkers(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	tcs, err := c.TCs(ctx, client.AnyWorker)
	if err != nil {
		return nil, err
	}
	list := make([]*workerReading, len(workers))
	byID := map[int64]*workerReading{}
	for i, d := range workers {
		list[i] = &workerReading{workerData: d, roots: map[string]tcCounts{}}
		byID[d.Worker] = list[i]
	}
	for _, s := range tcs {
		w, name := byID[s.GetClass().GetWid()], s.GetClass().GetName()
		if s.GetParent() != "" || w == nil {
			continue
		}
		stats, err := c.TCStats(ctx, name)
		switch {
		case client.IsNotFound(err):
			continue // gone meanwhile
		case err != nil:
			return nil, err
		}
		w.roots[name] = tcCounts{stats.GetTimestamp(), stats.GetCount(), stats.GetCycles(), stats.GetPackets(), stats.GetBits()}
		w.at = max(w.at, stats.GetTimestamp())
	}
	for _, w := range list {
		if w.at == 0 {
			w.at = now()
		}
	}
	return list, nil
}

func rateWorkers(old, next []*workerReading, s *span) *workersRates {
	before := map[int64]*workerReading{}
	for _, w := range old {
		before[w.Worker] = w
	}
	r := &workersRates{Workers: []workerRates{}}
	for _, w := range next {
		o := before[w.Worker]
		if o == nil {
			continue // new: its rate is known next time
		}
		l := s.between(o.at, w.at)
		if l == nil {
			continue
		}
		rates := workerRates{Worker: w.Worker, Core: w.Core, Running: w.Running, state: w.state(),
			SilentDropsPerSecond: l.rate(uint64(max(o.SilentDrops, 0)), uint64(max(w.SilentDrops, 0)))}
		for name, n := range w.roots {
			if b, ok := o.roots[name]; ok {
				root := newTaskRates(b, n, l)
				rates.CPUMHz += root.CPUMHz
				rates.RunsPerSecond += root.RunsPerSecond
				rates.PacketsPerSecond += root.PacketsPerSecond
				rates.BitsPerSecond += root.BitsPerSecond
			}
		}
		rates.complete()
		r.Workers = append(r.Workers, rates)
	}
	r.interval = s.interval()
	return r
}

func drawWorkerRates(w io.Writer, r *workersRates) {
	if len(r.Workers) == 0 {
		fmt.Fprintln(w, "There are no workers.")
		return
	}
	t := newTable(append(append([]string{">WORKER", "STATE", ">CORE"}, taskHeads()...), ">DROPS/s")...)
	for i := range r.Workers {
		d := &r.Workers[i]
		t.row(append(append([]string{strconv.FormatInt(d.Worker, 10), d.state, strconv.FormatInt(d.Core, 10)}, d.cells()...),
			fixed(d.SilentDropsPerSecond, 1))...)
	}
	t.write(w, "")
}
