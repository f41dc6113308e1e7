// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// workerData is a worker.
type workerData struct {
	Worker  int64 `json:"worker"`
	Core    int64 `json:"core"`
	Running bool  `json:"running"`
	// Classes counts the traffic classes of its tree.
	Classes int64 `json:"traffic_classes"`
	// SilentDrops counts packets that ended in unconnected gates or were
	// dropped by modules.
	SilentDrops int64 `json:"silent_drops"`
}

func (d *workerData) state() string {
	if d.Running {
		return "running"
	}
	return "paused"
}

func showWorkerCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "worker [ID…]",
		Aliases: []string{"workers"},
		Short:   "Show workers: state, core, drops",
		Long: "Shows workers. Silent drops are packets that ended in unconnected gates or were\ndropped by modules on this worker.\n\n" +
			"JSON: a list of worker, core, running, traffic_classes, silent_drops.",
		ValidArgsFunction: a.complete(workerNames),
		RunE:              view(a, readWorkers, drawWorkers),
	}
}

func workerNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Workers(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, w := range list {
		names[i] = strconv.FormatInt(w.GetWid(), 10)
	}
	return names, nil
}

// readWorkers reads the workers with these ids, or all.
func readWorkers(ctx context.Context, c *client.Client, ids []string) ([]*workerData, error) {
	list, err := c.Workers(ctx)
	if err != nil {
		return nil, err
	}
	workers := []*workerData{}
	var all []string
	for _, w := range list {
		id := strconv.FormatInt(w.GetWid(), 10)
		all = append(all, id)
		if len(ids) == 0 || slices.Contains(ids, id) {
			workers = append(workers, &workerData{w.GetWid(), w.GetCore(), w.GetRunning(), w.GetNumTcs(), w.GetSilentDrops()})
		}
	}
	for _, id := range ids {
		if !slices.Contains(all, id) {
			return nil, fmt.Errorf("worker %q: there is none of that number%s", id, hint(id, all))
		}
	}
	return workers, nil
}

func drawWorkers(w io.Writer, list []*workerData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no workers.")
		return
	}
	t := newTable(">WORKER", "STATE", ">CORE", ">CLASSES", ">SILENT DROPS")
	for _, d := range list {
		t.row(strconv.FormatInt(d.Worker, 10), d.state(), strconv.FormatInt(d.Core, 10), strconv.FormatInt(d.Classes, 10),
			thousands(uint64(max(d.SilentDrops, 0))))
	}
	t.write(w, "")
}
