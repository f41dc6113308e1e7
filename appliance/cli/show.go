// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func showCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what runs",
		Long:  "Shows what runs, once. monitor shows the same things as rates.",
		Args:  cobra.ArbitraryArgs,
		RunE:  noVerb,
	}
	cmd.AddCommand(
		showPipelineCommand(a), showModuleCommand(a), showPortCommand(a), showWorkerCommand(a), showTCCommand(a),
		showHooksCommand(a), showMempoolCommand(a), showMclassCommand(a), showDriverCommand(a), showVersionCommand(a),
	)
	return cmd
}

// pick returns the names in args, else all there are. A name that does not
// exist is an error of the daemon, made better by the names there are.
func pick(args, all []string) []string {
	if len(args) > 0 {
		return args
	}
	return all
}

// better adds to an error about an object that does not exist the name that
// was probably meant.
func better(err error, name string, all []string) error {
	if !client.IsNotFound(err) {
		return err
	}
	return &hinted{err, hint(name, all)}
}

// hinted is an error with advice.
type hinted struct {
	error
	advice string
}

// Error returns the text with the advice.
func (h *hinted) Error() string { return h.error.Error() + h.advice }

// Unwrap returns the error.
func (h *hinted) Unwrap() error { return h.error }

// view makes the body of a verb that reads something and shows it.
func view[T any](a *app, read func(ctx context.Context, c *client.Client, args []string) (T, error), draw func(w io.Writer, v T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.with(func(c *client.Client) error {
			v, err := read(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			return a.emit(v, func(w io.Writer) { draw(w, v) })
		})
	}
}

func showVersionCommand(a *app) *cobra.Command {
	cmd := versionCommand(a)
	return cmd
}
