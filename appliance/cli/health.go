// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// unwell is the exit status of health if something is not well.
const unwell = statusError(2)

// healthData is how the daemon is.
type healthData struct {
	OK         bool            `json:"ok"`
	Conditions []conditionData `json:"conditions"`
}

type conditionData struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason"`
	Since  string `json:"since"`
}

func healthCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Tell what is well and what is not",
		Long: "Tells what is well and what is not: pipeline (what is stored is what runs), store\n(changes can be stored), engine and workers (they answer), modules (none has\n" +
			"panicked), ports (the interfaces that they drive are there). The exit status is 0\nif all is well, 2 if not, 1 after an error.\n\n" +
			"JSON: ok; conditions: name, ok, reason, since.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.health(cmd.Context())
		},
	}
}

func (a *app) health(ctx context.Context) error {
	return a.with(func(c *client.Client) error {
		resp, err := c.Health(ctx)
		if err != nil {
			return err
		}
		v := healthData{OK: resp.GetOk(), Conditions: []conditionData{}}
		for _, k := range resp.GetConditions() {
			v.Conditions = append(v.Conditions, conditionData{k.GetName(), k.GetOk(), k.GetReason(), k.GetSince().AsTime().Format(time.RFC3339)})
		}
		if err := a.emit(v, func(w io.Writer) { drawHealth(w, &v) }); err != nil || v.OK {
			return err
		}
		return unwell
	})
}

func drawHealth(w io.Writer, v *healthData) {
	t := newTable("CONDITION", "STATE", "SINCE", "REASON")
	for _, k := range v.Conditions {
		state := "ok"
		if !k.OK {
			state = "NOT OK"
		}
		t.row(k.Name, state, k.Since, k.Reason)
	}
	t.write(w, "")
}

func shutdownCommand(a *app) *cobra.Command {
	return powerCommand(a, "shutdown", "Switch the machine off", "switches the machine off", (*client.Client).Shutdown)
}

func rebootCommand(a *app) *cobra.Command {
	return powerCommand(a, "reboot", "Start the machine anew", "starts the machine anew", (*client.Client).Reboot)
}

func powerCommand(a *app, use, short, what string, do func(*client.Client, context.Context) error) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:               use,
		Short:             short,
		Long:              fmt.Sprintf("Ends everything in order and %s. It asks before,\nunless --yes is given. Only an image of bess can do that; elsewhere the machine's\nown tools do (systemctl).", what),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(func(c *client.Client) error {
				if !yes {
					fmt.Fprintf(a.Err, "This %s at %s. Go on? [y/N] ", what, c.Address())
					if !confirmed(a.In) {
						return errDeclined
					}
				}
				return do(c, cmd.Context())
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
