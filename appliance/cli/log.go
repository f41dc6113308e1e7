// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// priorities are the names of syslog's priorities.
var priorities = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// lineData is a line of the log.
type lineData struct {
	Number   uint64 `json:"number"`
	Time     string `json:"time"`
	Priority string `json:"priority"`
	Source   string `json:"source"`
	Text     string `json:"text"`
}

func logCommand(a *app) *cobra.Command {
	req := &appliancepb.ReadLogRequest{Lines: 100}
	priority := ""
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show the log of the daemon and of the kernel below it",
		Long: "Shows the last lines of the log: those of the daemon, of the kernel, and of what\nran before the daemon. It is kept in memory, some thousand lines of it.\n\n" +
			"JSON: an object for each line: number, time, priority, source (bessd, kernel or\ninit), text.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if priority != "" {
				p := slices.Index(priorities, priority)
				if p < 0 {
					return fmt.Errorf("log: --priority %q: must be one of %s", priority, strings.Join(priorities, ", "))
				}
				n := uint32(p)
				req.Priority = &n
			}
			return a.log(cmd.Context(), req)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&req.Follow, "follow", "f", false, "go on with the lines to come, until interrupted")
	f.Uint32VarP(&req.Lines, "lines", "n", 100, "how many of the last lines; 0: all there are")
	f.StringVarP(&priority, "priority", "p", "", "only lines as important as `this` or more: "+strings.Join(priorities, ", "))
	return cmd
}

func (a *app) log(ctx context.Context, req *appliancepb.ReadLogRequest) error {
	return a.with(func(c *client.Client) error {
		return c.Log(ctx, req, func(l *appliancepb.LogLine) error {
			d := lineData{l.GetNumber(), l.GetTime().AsTime().Format("2006-01-02T15:04:05.000Z07:00"), priorityName(l.GetPriority()), l.GetSource(), l.GetText()}
			switch a.output {
			case asJSON:
				return writeJSON(a.Out, d, "")
			case asYAML:
				return writeYAML(a.Out, []lineData{d})
			}
			_, err := fmt.Fprintf(a.Out, "%s %-7s %-6s %s\n", d.Time, d.Priority, d.Source, printable(d.Text))
			return err
		})
	})
}

func priorityName(p uint32) string {
	return priorities[min(int(p), len(priorities)-1)]
}
