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

// versions is what `version` tells.
type versions struct {
	Client string `json:"client"`
	// Daemon is empty if none answers.
	Daemon string `json:"daemon"`
	// Address is where the daemon was looked for.
	Address string `json:"address"`
	// Door is absent if the daemon has no TLS.
	Door *door `json:"tls,omitempty"`
}

// door is what TLS tells.
type door struct {
	Identity    string `json:"identity"`
	Role        string `json:"role"`
	Instance    string `json:"instance"`
	Fingerprint string `json:"fingerprint"`
	ValidUntil  string `json:"valid_until"`
	Clock       string `json:"clock"`
	Problem     string `json:"problem"`
}

// readDoor asks who is who; nil if the daemon does not know.
func readDoor(ctx context.Context, c *client.Client) *door {
	r, err := c.WhoAmI(ctx)
	if err != nil || r.GetInstance() == "" {
		return nil // older daemons, and BESS, do not have the call
	}
	stamp := func(s int64) string { return time.Unix(s, 0).UTC().Format(time.RFC3339) }
	return &door{Identity: r.GetName(), Role: r.GetRole(), Instance: r.GetInstance(), Fingerprint: r.GetFingerprint(),
		ValidUntil: stamp(r.GetNotAfter()), Clock: stamp(r.GetClock()), Problem: r.GetProblem()}
}

func (d *door) draw(w io.Writer) {
	if d == nil {
		return
	}
	fmt.Fprintf(w, "         instance %s, certificate %s, valid until %s\n", d.Instance, d.Fingerprint, d.ValidUntil)
	fmt.Fprintf(w, "         its clock says %s\n", d.Clock)
	if d.Problem != "" {
		fmt.Fprintf(w, "         new certificate files are not in use: %s\n", printable(d.Problem))
	}
	fmt.Fprintf(w, "you are  %s, role %s\n", printable(d.Identity), d.Role)
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Tell the versions of bessctl and of the daemon",
		Long: "Tells the versions of bessctl and of the daemon. It is an error if no daemon\nanswers.\n\nOf a daemon with TLS it also tells the instance (which stays the same when its\ncertificate is renewed), the certificate and who you are to it.\n\n" +
			"JSON: client, daemon, address, tls: identity, role, instance, fingerprint,\nvalid_until, clock, problem.",
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
		if v.Daemon, failed = c.Version(ctx); failed == nil {
			v.Door = readDoor(ctx, c)
		}
		err := a.emit(v, func(w io.Writer) {
			fmt.Fprintf(w, "bessctl  %s\n", printable(v.Client))
			if failed == nil {
				fmt.Fprintf(w, "bessd    %s  at %s\n", printable(v.Daemon), v.Address)
				v.Door.draw(w)
			}
		})
		if failed != nil {
			return failed
		}
		return err
	})
}
