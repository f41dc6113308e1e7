// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

const showTCLong = `Shows the traffic classes of every worker as trees. A class is drawn with its
place (share or priority) under its parent, its limit and burst, and what ran
below it since it was made: runs of tasks, packets, bits (24 bytes of overhead
per packet included) and CPU cycles. Leaves are the tasks of modules. A class is
blocked while nothing below it can run or its limit holds it back.

JSON: a list of name, parent ("" for roots), worker (-1: waiting for one),
policy, blocked, share, priority, resource, limit (per second), max_burst,
module, task (null or "" where it does not apply), timestamp, runs, cycles,
packets, bits.`

func showTCCommand(a *app) *cobra.Command {
	var worker int64
	cmd := &cobra.Command{
		Use:               "tc [NAME…]",
		Short:             "Show the trees of traffic classes with their counters",
		Long:              showTCLong,
		ValidArgsFunction: a.complete(tcNames),
	}
	cmd.Flags().Int64Var(&worker, "worker", client.AnyWorker, "only the classes of this worker; -1: all")
	cmd.RunE = view(a, func(ctx context.Context, c *client.Client, names []string) ([]*tcData, error) {
		return readNamedTCs(ctx, c, worker, names)
	}, drawTCs)
	return cmd
}

// readNamedTCs reads the named classes with all that is below them, or all.
func readNamedTCs(ctx context.Context, c *client.Client, wid int64, names []string) ([]*tcData, error) {
	all, err := readTCs(ctx, c, wid)
	if err != nil || len(names) == 0 {
		return all, err
	}
	known := map[string]*tcData{}
	var list []string
	for _, d := range all {
		known[d.Name], list = d, append(list, d.Name)
	}
	for _, n := range names {
		if known[n] == nil {
			return nil, fmt.Errorf("traffic class %q: there is none of that name%s", n, hint(n, list))
		}
	}
	picked := slices.DeleteFunc(all, func(d *tcData) bool { return !within(d, known, names) })
	for i, d := range picked {
		if slices.Contains(names, d.Name) && !within(known[d.Parent], known, names) {
			root := *d // the drawing begins here
			root.Parent = ""
			picked[i] = &root
		}
	}
	return picked, nil
}

// within reports whether d or a class above it is named.
func within(d *tcData, known map[string]*tcData, names []string) bool {
	for ; d != nil; d = known[d.Parent] {
		if slices.Contains(names, d.Name) {
			return true
		}
	}
	return false
}

func drawTCs(w io.Writer, list []*tcData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no traffic classes.")
		return
	}
	t := newTable("TRAFFIC CLASS", "POLICY", "PLACE", ">LIMIT", ">BURST", "STATE", ">RUNS", ">PACKETS", ">BITS", ">CYCLES")
	for _, l := range tcLayout(list) {
		if l.tc == nil {
			t.row(l.worker)
			continue
		}
		d, state := l.tc, ""
		if d.Blocked {
			state = "blocked"
		}
		t.row(l.branch+d.Name, d.Policy, d.place(), d.limit(), d.burst(), state,
			thousands(d.Runs), thousands(d.Packets), thousands(d.Bits), thousands(d.Cycles))
	}
	t.write(w, "")
}
