// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// filesLong tells what the files of a declaration may be.
const filesLong = `FILE is a declaration in YAML or JSON, a directory with such files (*.yaml,
*.yml, *.json), or - for standard input. Several are one declaration.
${NAME} and ${NAME:-default} are replaced by variables of the environment.`

// finding is declare.Finding for JSON.
type finding struct {
	Severity string `json:"severity"`
	Position string `json:"position"`
	Object   string `json:"object"`
	Field    string `json:"field"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// action is one step of a plan for JSON.
type action struct {
	Verb       string `json:"verb"`
	Object     string `json:"object"`
	Disruption string `json:"disruption"`
	Detail     string `json:"detail"`
}

// planned is what diff and apply print.
type planned struct {
	Findings []finding `json:"findings"`
	Actions  []action  `json:"actions"`
	// Generation is the pipeline's: when the plan was made, or after it was
	// applied.
	Generation uint64 `json:"generation"`
}

// fileCompletion completes the names of declarations.
func fileCompletion(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// declaration is the files of a declaration as a daemon gets them.
type declaration []*declarepb.Document

// readDeclaration reads files and looks up the variables in them: the daemon
// has another environment. What cannot be read at all is reported here.
func (a *app) readDeclaration(paths []string) (declaration, []declare.Finding, error) {
	docs, err := declare.ReadFiles(paths, a.In)
	if err != nil {
		return nil, nil, err
	}
	var list declaration
	for i, d := range docs {
		vars := map[string]string{}
		docs[i].Env = func(name string) (string, bool) {
			v, ok := os.LookupEnv(name)
			if ok {
				vars[name] = v
			}
			return v, ok
		}
		list = append(list, &declarepb.Document{Name: d.Name, Text: string(d.Text), Variables: vars})
	}
	_, found := declare.Decode(docs)
	if !declare.HasErrors(found) {
		found = nil // warnings come with the daemon's findings
	}
	return list, found, nil
}

// fromLocal converts findings.
func fromLocal(list []declare.Finding) []finding {
	out := []finding{}
	for _, f := range list {
		out = append(out, finding{string(f.Severity), f.Pos.String(), f.Object, f.Field, f.Message, f.Hint})
	}
	return out
}

// fromDaemon converts findings.
func fromDaemon(list []*declarepb.Finding) []finding {
	out := []finding{}
	for _, f := range list {
		out = append(out, finding{f.GetSeverity(), f.GetPosition(), f.GetObject(), f.GetField(), f.GetMessage(), f.GetHint()})
	}
	return out
}

func toActions(list []*declarepb.Action) []action {
	out := []action{}
	for _, c := range list {
		out = append(out, action{c.GetVerb(), c.GetObject(), c.GetDisruption(), c.GetDetail()})
	}
	return out
}

// String returns "file:line:col: error: module fw: class: …".
func (f finding) String() string {
	var parts []string
	for _, p := range []string{f.Position, f.Severity, f.Object, f.Field, f.Message} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, ": ")
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return text
}

// count returns the number of errors and warnings.
func count(list []finding) (errs, warnings int) {
	for _, f := range list {
		if f.Severity == string(declare.Error) {
			errs++
		} else {
			warnings++
		}
	}
	return errs, warnings
}

// complain writes findings where compilers write theirs, unless they are part
// of what is printed.
func (a *app) complain(list []finding) {
	if a.output != asTable {
		return
	}
	for _, f := range list {
		fmt.Fprintln(a.Err, printable(f.String()))
	}
}

// invalid ends a verb because of errors in the declaration.
func (a *app) invalid(v planned) error {
	a.complain(v.Findings)
	errs, _ := count(v.Findings)
	err := a.emit(v, func(io.Writer) { fmt.Fprintf(a.Err, "bessctl: %s, nothing has been changed\n", plural(errs, "error")) })
	if err != nil {
		return err
	}
	return statusError(1)
}

// plan asks the daemon what would be done. The error is a statusError if the
// declaration has errors, which have been printed.
func (a *app) plan(ctx context.Context, c *client.Client, files []string) (declaration, planned, error) {
	docs, found, err := a.readDeclaration(files)
	if err != nil {
		return nil, planned{}, err
	}
	if found != nil {
		return nil, planned{}, a.invalid(planned{Findings: fromLocal(found), Actions: []action{}})
	}
	resp, err := c.Plan(ctx, docs...)
	if err != nil {
		return nil, planned{}, err
	}
	v := planned{fromDaemon(resp.GetFindings()), toActions(resp.GetActions()), resp.GetGeneration()}
	if errs, _ := count(v.Findings); errs > 0 {
		return nil, v, a.invalid(v)
	}
	return docs, v, nil
}

// refusal prints what the daemon says about a change that it refused, which
// begins with a position.
func (a *app) refusal(err error) error {
	var e *client.Error
	if !errors.As(err, &e) {
		return err
	}
	switch status.Code(e.Err) {
	case codes.InvalidArgument, codes.FailedPrecondition:
		for line := range strings.Lines(e.Msg) {
			fmt.Fprintln(a.Err, printable(strings.TrimRight(line, "\n")))
		}
		fmt.Fprintln(a.Err, "bessctl: the daemon refused it, nothing has been changed")
		return statusError(1)
	}
	return err
}

// signs begin the lines of actions.
var signs = map[string]string{"create": "+", "connect": "+", "delete": "-", "disconnect": "-"}

// drawActions writes a plan as a table, and a summary.
func drawActions(w io.Writer, list []action, summary string) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No changes: what runs is what is declared.")
		return
	}
	t := newTable("", "ACTION", "OBJECT", "TRAFFIC", "WHAT")
	counts := map[string]int{}
	for _, c := range list {
		sign := signs[c.Verb]
		if sign == "" {
			sign = "~"
		}
		counts[sign]++
		t.row(sign, c.Verb, c.Object, c.Disruption, c.Detail)
	}
	t.write(w, "")
	fmt.Fprintf(w, "%s: %d added, %d changed, %d removed.\n", summary, counts["+"], counts["~"], counts["-"])
}
