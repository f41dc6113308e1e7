// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/schemas"
)

const explainLong = `Explains module classes, port drivers and gate hooks. It needs no daemon.

Without a name it lists what there is; with the name of a class, driver or hook
it prints the manual: what it does, gates, arguments, commands, counters,
metadata, an example. CLASS.FIELD explains one field of the argument,
CLASS.COMMAND a command, CLASS.COMMAND.FIELD a field of its argument or answer.

JSON: without a name a list of name, kind, help; with one a manual (name, kind,
help, doc, prefix, gates, workers, fields, commands, counters, metadata,
example); else of and field, command or counter.`

func explainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "explain [NAME[.FIELD | .COMMAND[.FIELD]]]",
		Short:             "Explain module classes, drivers, hooks and their arguments",
		Long:              explainLong,
		Example:           "  bessctl explain ACL\n  bessctl explain ACL.rules.src_ip\n  bessctl explain Queue.set_burst",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeExplain,
		RunE: func(_ *cobra.Command, args []string) error {
			list := library()
			if len(args) == 0 {
				return a.emit(summaries(list), func(w io.Writer) { drawLibrary(w, list) })
			}
			name, path, deeper := strings.Cut(args[0], ".")
			m, err := entry(list, name)
			if err != nil {
				return err
			}
			if !deeper {
				return a.emit(m, func(w io.Writer) { drawManual(w, m) })
			}
			t, err := m.find(path)
			if err != nil {
				return err
			}
			return a.emit(t, func(w io.Writer) { drawTopic(w, t) })
		},
	}
}

// summary is a line of the list.
type summary struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Help string `json:"help"`
}

func summaries(list []*manual) []summary {
	all := []summary{}
	for _, m := range list {
		all = append(all, summary{m.Name, m.Kind, m.Help})
	}
	return all
}

func completeExplain(_ *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list := library()
	name, _, deeper := strings.Cut(word, ".")
	var all []string
	for _, m := range list {
		all = append(all, m.Name+"\t"+m.Help)
		if deeper && m.Name == name {
			for _, p := range m.parts() {
				all = append(all, m.Name+"."+p)
			}
		}
	}
	return candidates(all, nil, word), cobra.ShellCompDirectiveNoFileComp
}

// drawLibrary writes a line for everything there is.
func drawLibrary(w io.Writer, list []*manual) {
	kind := ""
	t := newTable("NAME", "PURPOSE")
	flush := func() {
		if !t.empty() {
			fmt.Fprintf(w, "%s\n", heading(kind))
			for _, l := range t.lines()[1:] {
				fmt.Fprintf(w, "  %s\n", l)
			}
		}
		t = newTable("NAME", "PURPOSE")
	}
	for _, m := range list {
		if m.Kind != kind {
			flush()
			kind = m.Kind
		}
		t.row(m.Name, m.Help)
	}
	flush()
}

// heading makes "module class" "MODULE CLASSES".
func heading(kind string) string {
	s := strings.ToUpper(kind)
	if strings.HasSuffix(s, "S") {
		return s + "ES"
	}
	return s + "S"
}

// drawManual writes everything about a class, driver or hook.
func drawManual(w io.Writer, m *manual) {
	fmt.Fprintf(w, "%s, a %s: %s\n\n", m.Name, m.Kind, m.Help)
	paragraphs(w, m.Doc, "  ")
	if m.Gates != nil {
		fmt.Fprintf(w, "\nGATES\n  input: %s; output: %s\n", gateRange(m.Gates.In), gateRange(m.Gates.Out))
		fmt.Fprintln(w, "\nWORKERS")
		for _, l := range m.Workers.sentences() {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
	fmt.Fprintf(w, "\nNAMES\n  %s0, %s1, … unless you give one\n", m.Prefix, m.Prefix)
	fmt.Fprintln(w, "\nARGUMENT")
	drawFields(w, m.Fields, "  ")
	if len(m.Commands) > 0 {
		fmt.Fprintln(w, "\nCOMMANDS")
		for i := range m.Commands {
			drawCommand(w, &m.Commands[i], false)
		}
	}
	t := newTable("NAME", "UNIT", "HELP")
	if m.Kind == kindClass {
		t.row("deadends", "packets", "dropped, or sent to gates that are not connected")
	}
	for _, c := range m.Counters {
		t.row(c.Name, c.Unit, c.Help)
	}
	plainSection(w, "COUNTERS", t)
	t = newTable("NAME", ">SIZE", "MODE", "HELP")
	for _, d := range m.Metadata {
		t.row(d.Name, d.Size, d.Mode, d.Help)
	}
	plainSection(w, "METADATA (name, bytes, use)", t)
	if m.Example != "" {
		fmt.Fprintln(w, "\nEXAMPLE (a test as well)")
		for line := range strings.Lines(m.Example) {
			fmt.Fprintln(w, strings.TrimRight("  "+line, " \n"))
		}
	}
}

// plainSection writes the rows of a table without headings.
func plainSection(w io.Writer, title string, t *table) {
	if t.empty() {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, l := range t.lines()[1:] {
		fmt.Fprintf(w, "  %s\n", l)
	}
}

func gateRange(n int) string {
	switch n {
	case 0:
		return "none"
	case 1:
		return "0"
	}
	return fmt.Sprintf("0..%d", n-1)
}

// sentences tells how the class and workers get on.
func (d *workersManual) sentences() []string {
	list := []string{fmt.Sprintf("up to %d may run an instance", d.Max)}
	if d.Max == 1 {
		list[0] = "one may run an instance"
	}
	if d.Task {
		list = append(list, "it brings tasks of its own, which a worker must run")
	}
	if d.Stops {
		list = append(list, "workers that enter do not come out: a task of the module goes on")
	}
	if d.Holds {
		list = append(list, "packets may stay in the module between runs")
	}
	return list
}

func drawFields(w io.Writer, fields []fieldManual, indent string) {
	if len(fields) == 0 {
		fmt.Fprintf(w, "%snone\n", indent)
	}
	for i := range fields {
		fmt.Fprintf(w, "%s%s: %s\n", indent, fields[i].Field, fields[i].facts())
		paragraphs(w, fields[i].Help, indent+"    ")
	}
}

var ruleText = map[string]string{
	"concurrent": "workers go on meanwhile", "quiesced": "workers wait meanwhile", "exclusive": "refused while workers run",
}

// drawCommand writes a command; in full with its fields.
func drawCommand(w io.Writer, c *commandManual, full bool) {
	var names []string
	for _, f := range c.Fields {
		if !strings.Contains(f.Field, ".") {
			names = append(names, f.Field)
		}
	}
	fmt.Fprintf(w, "  %s(%s)\n", c.Name, strings.Join(names, ", "))
	paragraphs(w, c.Help+"; "+ruleText[c.Workers], "      ")
	if !full {
		return
	}
	fmt.Fprintln(w, "\nARGUMENT")
	paragraphs(w, schemas.Comment(c.arg), "  ")
	drawFields(w, c.Fields, "  ")
	if c.response != nil {
		fmt.Fprintln(w, "\nANSWER")
		paragraphs(w, schemas.Comment(c.response), "  ")
		drawFields(w, c.Response, "  ")
	}
}

// drawTopic writes one field, command or counter.
func drawTopic(w io.Writer, t *topic) {
	switch {
	case t.Command != nil:
		fmt.Fprintf(w, "%s, command\n", t.Of)
		drawCommand(w, t.Command, true)
	case t.Counter != nil:
		fmt.Fprintf(w, "%s.%s: counter (%s)\n", t.Of, t.Counter.Name, t.Counter.Unit)
		paragraphs(w, t.Counter.Help, "    ")
	default:
		fmt.Fprintf(w, "%s.", t.Of)
		drawFields(w, []fieldManual{*t.Field}, "")
		if len(t.Below) > 0 {
			fmt.Fprintln(w)
			drawFields(w, t.Below, "  ")
		}
	}
}

// lineWidth is where manuals are broken.
const lineWidth = 80

// paragraphs writes a text of paragraphs and list items, broken into lines.
func paragraphs(w io.Writer, text, indent string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			fmt.Fprintln(w)
			continue
		}
		hang := indent
		if strings.HasPrefix(line, "- ") {
			hang += "  "
		}
		out, n := indent, 0
		for _, word := range strings.Fields(line) {
			if n > 0 && len(out)+1+len(word) > lineWidth {
				fmt.Fprintln(w, out)
				out, n = hang, 0
			}
			if n > 0 {
				out += " "
			}
			out += word
			n++
		}
		fmt.Fprintln(w, out)
	}
}
