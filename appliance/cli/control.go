// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func daemonCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Do things to the daemon as a whole",
		Args:  cobra.ArbitraryArgs,
		RunE:  noVerb,
	}
	cmd.AddCommand(resetCommand(a))
	return cmd
}

func resetCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:               "reset",
		Short:             "Remove all modules, ports, traffic classes and workers",
		Long:              "Removes all modules, ports, traffic classes and workers. It asks before, unless\nthere is nothing to remove or --yes is given.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(func(c *client.Client) error { return a.reset(cmd.Context(), c, yes) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// errDeclined is a question that was not answered with yes.
var errDeclined = errors.New("nothing was changed; answer y, or use --yes")

func (a *app) reset(ctx context.Context, c *client.Client, yes bool) error {
	what, err := inventory(ctx, c)
	if err != nil {
		return err
	}
	if what != "" && !yes {
		fmt.Fprintf(a.Err, "This removes %s from the daemon at %s. Go on? [y/N] ", what, c.Address())
		if !confirmed(a.In) {
			return errDeclined
		}
	}
	return c.Reset(ctx)
}

// inventory says how much there is; nothing if the daemon is empty.
func inventory(ctx context.Context, c *client.Client) (string, error) {
	var parts []string
	for _, kind := range []struct {
		noun string
		list lister
	}{{"module", moduleNames}, {"port", portNames}, {"worker", workerNames}} {
		names, err := kind.list(ctx, c)
		if err != nil {
			return "", err
		}
		if len(names) > 0 {
			parts = append(parts, plural(len(names), kind.noun))
		}
	}
	return strings.Join(parts, ", "), nil
}

// confirmed reads a line and reports whether it says yes.
func confirmed(in io.Reader) bool {
	line, _ := bufio.NewReader(in).ReadString('\n') // what there is of it counts
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}

func pauseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "pause [WORKER…]",
		Short:             "Stop all workers, or some",
		Long:              "Stops all workers, or those named, and returns when they have stopped. Packets\nwait or are lost at the ports until resume.",
		ValidArgsFunction: a.complete(workerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(func(c *client.Client) error {
				return eachWorker(cmd.Context(), c, args, c.PauseAll, c.PauseWorker)
			})
		},
	}
}

func resumeCommand(a *app) *cobra.Command {
	check := true
	cmd := &cobra.Command{
		Use:   "resume [WORKER…]",
		Short: "Start all workers, or some",
		Long: "Starts all workers, or those named. Before, it checks that no module would be run\n" +
			"by more workers than its class allows and refuses otherwise; --check=false starts\nregardless. Other oddities of placement are told and do no harm.",
		ValidArgsFunction: a.complete(workerNames),
	}
	cmd.Flags().BoolVar(&check, "check", true, "refuse if the placement of workers is impossible")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(func(c *client.Client) error {
			if check {
				if err := a.checkPlacement(cmd.Context(), c); err != nil {
					return err
				}
			}
			all := func(ctx context.Context) error { _, err := c.ResumeAll(ctx); return err }
			return eachWorker(cmd.Context(), c, args, all, c.ResumeWorker)
		})
	}
	return cmd
}

// eachWorker does something to all workers, or to those named, which must
// exist.
func eachWorker(ctx context.Context, c *client.Client, ids []string,
	all func(context.Context) error, one func(context.Context, int64) error) error {
	if len(ids) == 0 {
		return all(ctx)
	}
	list, err := readWorkers(ctx, c, ids)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := one(ctx, d.Worker); err != nil {
			return err
		}
	}
	return nil
}

// checkPlacement tells what is odd and fails if it is impossible.
func (a *app) checkPlacement(ctx context.Context, c *client.Client) error {
	found, err := c.CheckConstraints(ctx)
	if err != nil {
		return err
	}
	for _, v := range found.GetViolations() {
		fmt.Fprintf(a.Err, "bessctl: task %s: runs on core %d of NUMA node %d, its modules allow only nodes %s\n",
			printable(v.GetName()), v.GetAssignedCore(), v.GetAssignedNode(), nodes(v.GetConstraint()))
	}
	var names []string
	for _, m := range found.GetModules() {
		names = append(names, printable(m.GetName()))
	}
	switch {
	case found.GetFatal():
		return fmt.Errorf("not resumed: more workers reach %s than the class allows; move tasks, or use --check=false", strings.Join(names, ", "))
	case len(names) > 0:
		fmt.Fprintf(a.Err, "bessctl: placement does not suit %s\n", strings.Join(names, ", "))
	}
	return nil
}

// nodes lists the NUMA nodes of a mask.
func nodes(mask int32) string {
	var list []string
	for n := range 16 {
		if mask&(1<<n) != 0 {
			list = append(list, strconv.Itoa(n))
		}
	}
	if len(list) == 0 {
		return "(none)"
	}
	return strings.Join(list, ", ")
}
