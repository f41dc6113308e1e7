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

// versions is what `version` tells.
type versions struct {
	Client string `json:"client"`
	// Daemon is empty if none answers.
	Daemon string `json:"daemon"`
	// Address is where the daemon was looked for.
	Address string `json:"address"`
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Tell the versions of bessctl and of the daemon",
		Long:              "Tells the versions of bessctl and of the daemon. It is an error if no daemon\nanswers.\n\nJSON: client, daemon, address.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.showVersion(cmd.Context())
		},
	}
}

// showVersion tells bessctl's version even if there is no daemon.
func (a *app) showVersion(ctx context.Context) error {
	return a.with(func(c *client.Client) error {
		v := versions{Client: a.version, Address: c.Address()}
		var failed error
		v.Daemon, failed = c.Version(ctx)
		err := a.emit(v, func(w io.Writer) {
			fmt.Fprintf(w, "bessctl  %s\n", printable(v.Client))
			if failed == nil {
				fmt.Fprintf(w, "bessd    %s  at %s\n", printable(v.Daemon), v.Address)
			}
		})
		if failed != nil {
			return failed
		}
		return err
	})
}
