// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func applyCommand(a *app) *cobra.Command {
	var dryRun bool
	var generation uint64
	cmd := &cobra.Command{
		Use:   "apply FILE…",
		Short: "Make the pipeline what a declaration says",
		Long: "Makes the pipeline what a declaration says: all of it or, after an error,\nnothing. Modules that do not change keep running with their state and counters;\nwhat is not declared is removed.\n\n" +
			filesLong + "\n\nJSON: findings: severity, position, object, field, message, hint; actions:\nverb, object, disruption, detail; generation.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: fileCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dryRun {
				return a.dryRun(cmd.Context(), args)
			}
			return a.apply(cmd.Context(), args, generation)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only tell what would be done, as diff does, with exit status 0")
	cmd.Flags().Uint64Var(&generation, "generation", 0, "refuse if the pipeline is not at this generation any more (see diff -o json)")
	return cmd
}

func (a *app) apply(ctx context.Context, files []string, generation uint64) error {
	return a.with(func(c *client.Client) error {
		docs, _, err := a.plan(ctx, c, files)
		if err != nil {
			return err
		}
		resp, err := c.Apply(ctx, generation, docs...)
		if err != nil {
			return a.refusal(err)
		}
		v := planned{fromDaemon(resp.GetFindings()), toActions(resp.GetActions()), resp.GetGeneration()}
		a.complain(v.Findings)
		return a.emit(v, func(w io.Writer) { drawActions(w, v.Actions, "Applied") })
	})
}
