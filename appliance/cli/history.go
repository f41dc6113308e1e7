// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// storedData is a declaration in the daemon's store.
type storedData struct {
	Generation uint64 `json:"generation"`
	Time       string `json:"time"`
	// Origin is apply, rollback, file or calls.
	Origin  string `json:"origin"`
	By      string `json:"by"`
	Name    string `json:"name"`
	SHA256  string `json:"sha256"`
	Bytes   uint64 `json:"bytes"`
	Problem string `json:"problem"`
}

func historyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "history",
		Short: "List the declarations that the daemon has stored",
		Long: "Lists the declarations that the daemon has stored, the newest first. What was\napplied is stored before it runs; what single calls change (bessctl command,\n" +
			"Terraform's resources) about a second later, as one generation of origin calls.\n\n" +
			"JSON: a list of generation, time, origin (apply, rollback, file or calls), by,\nname, sha256, bytes, problem.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              view(a, readHistory, drawHistory),
	}
}

func readHistory(ctx context.Context, c *client.Client, _ []string) ([]storedData, error) {
	all, err := c.History(ctx)
	if err != nil {
		return nil, err
	}
	list := []storedData{}
	for _, g := range all {
		d := storedData{Generation: g.GetGeneration(), Origin: g.GetOrigin(), By: g.GetBy(), Name: g.GetName(),
			SHA256: g.GetSha256(), Bytes: g.GetBytes(), Problem: g.GetProblem()}
		if t := g.GetTime(); t != nil {
			d.Time = t.AsTime().Format(time.RFC3339)
		}
		list = append(list, d)
	}
	return list, nil
}

func drawHistory(w io.Writer, list []storedData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "Nothing is stored yet.")
		return
	}
	t := newTable(">GENERATION", "TIME", "ORIGIN", "BY", "NAME", ">BYTES", "SHA-256", "PROBLEM")
	for _, d := range list {
		t.row(fmt.Sprint(d.Generation), d.Time, d.Origin, d.By, d.Name, thousands(d.Bytes), d.SHA256[:min(12, len(d.SHA256))], d.Problem)
	}
	t.write(w, "")
}

// rolledBack is what rollback tells.
type rolledBack struct {
	Restored   uint64    `json:"restored"`
	Findings   []finding `json:"findings"`
	Actions    []action  `json:"actions"`
	Problems   []string  `json:"problems"`
	Generation uint64    `json:"generation"`
}

func rollbackCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rollback [GENERATION]",
		Short: "Go back to a declaration that the daemon has stored",
		Long: "Makes the pipeline what a stored generation says, with what commands, hooks and\nsettings of ports had made of it. Without a generation it goes back to the newest\n" +
			"one that differs from what was stored last. All of it is done or, after an error,\nnothing; the result is a new generation. history lists what there is.\n\n" +
			"JSON: restored; findings and actions as apply; problems: hooks and settings that\ncould not be made what they were; generation.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.complete(generationNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			var generation uint64
			if len(args) > 0 {
				var err error
				if generation, err = strconv.ParseUint(args[0], 10, 64); err != nil || generation == 0 {
					return fmt.Errorf("rollback: generation %q: must be a number that history lists", args[0])
				}
			}
			return a.rollback(cmd.Context(), generation)
		},
	}
}

func (a *app) rollback(ctx context.Context, generation uint64) error {
	return a.with(func(c *client.Client) error {
		resp, err := c.Rollback(ctx, generation)
		if err != nil {
			return err
		}
		v := rolledBack{resp.GetRestored(), fromDaemon(resp.GetFindings()), toActions(resp.GetActions()), append([]string{}, resp.GetProblems()...), resp.GetGeneration()}
		a.complain(v.Findings)
		for _, p := range v.Problems {
			fmt.Fprintf(a.Err, "bessctl: warning: %s\n", printable(p))
		}
		return a.emit(v, func(w io.Writer) {
			fmt.Fprintf(w, "Back to generation %d.\n", v.Restored)
			drawActions(w, v.Actions, "Applied")
		})
	})
}

// generationNames lists the generations for completion.
func generationNames(ctx context.Context, c *client.Client) ([]string, error) {
	all, err := c.History(ctx)
	var names []string
	for _, g := range all {
		names = append(names, fmt.Sprint(g.GetGeneration()))
	}
	return names, err
}
