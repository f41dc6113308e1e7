// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// changesStatus is the exit status of diff if there is something to change.
const changesStatus = statusError(2)

func diffCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff FILE…",
		Short: "Tell what apply would do",
		Long: "Tells what apply would do, in this order, and what each step means for traffic.\nNothing is changed. The exit status is 0 if there is nothing to do, 1 after an\nerror, 2 if there are changes.\n\n" +
			filesLong + "\n\nJSON: findings: severity, position, object, field, message, hint; actions:\nverb, object, disruption, detail; generation.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: fileCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.diff(cmd.Context(), args)
		},
	}
}

// diff prints a plan.
func (a *app) diff(ctx context.Context, files []string) error {
	return a.with(func(c *client.Client) error {
		_, v, err := a.plan(ctx, c, files)
		if err != nil {
			return err
		}
		a.complain(v.Findings)
		if err := a.emit(v, func(w io.Writer) { drawActions(w, v.Actions, "Plan") }); err != nil {
			return err
		}
		if len(v.Actions) > 0 {
			return changesStatus
		}
		return nil
	})
}

// dryRun is diff for scripts that take any exit status but 0 for an error.
func (a *app) dryRun(ctx context.Context, files []string) error {
	if err := a.diff(ctx, files); !errors.Is(err, changesStatus) {
		return err
	}
	return nil
}
