// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

const showModuleLong = `Shows modules: without names a line for each, with names (or --all) everything.

Output gates count packets; input gates do only if a Track hook was put there,
otherwise the packets shown are those of the gates that feed them. Deadends are
packets that a module dropped or sent to gates that are not connected.

JSON: a list of name, class, description,
  input_gates: gate, from (module, gate, packets), tracked, batches, packets,
    bytes, timestamp, hooks (class, name)
  output_gates: gate, to (module, gate), and the rest as above
  metadata: name, size, mode, offset (-1: nobody reads it, -2: nobody writes
    it, -3: no room)
  deadends
  counters: name, unit, value, help; rules: number, packets, rule; panics
    (these three are null if the daemon does not count them)`

func showModuleCommand(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "module [NAME…]",
		Aliases:           []string{"modules"},
		Short:             "Show modules: gates, peers, counters, rules, metadata",
		Long:              showModuleLong,
		ValidArgsFunction: a.complete(moduleNames),
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything of every module")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		draw := drawModules
		if len(args) == 0 && !all {
			draw = drawModuleList
		}
		return view(a, readModules, draw)(cmd, args)
	}
	return cmd
}

// drawModuleList writes a line for each module.
func drawModuleList(w io.Writer, list []*moduleData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no modules.")
		return
	}
	t := newTable("MODULE", "CLASS", "GATES", ">PACKETS IN", ">PACKETS OUT", ">DEADENDS", ">PANICS", "DESCRIPTION")
	for _, m := range list {
		var in, out countData
		for _, g := range m.InputGates {
			in.add(g.received())
		}
		for _, g := range m.OutputGates {
			out.add(g.countData)
		}
		panics := ""
		if m.Panics != nil && *m.Panics > 0 {
			panics = thousands(*m.Panics)
		}
		t.row(m.Name, m.Class, fmt.Sprintf("%d → %d", len(m.InputGates), len(m.OutputGates)),
			in.sum(), out.sum(), thousands(m.Deadends), panics, m.Description)
	}
	t.write(w, "")
}

// add sums what is counted.
func (c *countData) add(d countData) {
	c.Tracked = c.Tracked || d.Tracked
	c.Packets += d.Packets
}

// sum writes the packets, nothing if none are counted.
func (c countData) sum() string {
	if !c.Tracked {
		return ""
	}
	return thousands(c.Packets)
}

// drawModules writes everything of each module.
func drawModules(w io.Writer, list []*moduleData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no modules.")
	}
	for i, m := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		drawModule(w, m)
	}
}

func drawModule(w io.Writer, m *moduleData) {
	fmt.Fprintf(w, "%s: %s", printable(m.Name), printable(m.Class))
	if m.Description != "" {
		fmt.Fprintf(w, ", %s", printable(m.Description))
	}
	fmt.Fprintln(w)
	in := newTable(">GATE", "FROM", ">PACKETS", ">BATCHES", ">PER BATCH", ">BYTES", "HOOKS")
	for _, g := range m.InputGates {
		in.row(gateRow(g.Gate, g.peers(), g.received(), g.Hooks)...)
	}
	section(w, "input gates", in)
	out := newTable(">GATE", "TO", ">PACKETS", ">BATCHES", ">PER BATCH", ">BYTES", "HOOKS")
	for _, g := range m.OutputGates {
		out.row(gateRow(g.Gate, g.peer(), g.countData, g.Hooks)...)
	}
	section(w, "output gates", out)
	section(w, "rules", ruleTable(m.Rules))
	counters := newTable("NAME", ">VALUE", "UNIT", "MEANING")
	counters.row("deadends", thousands(m.Deadends), "packets", "dropped, or sent to gates that are not connected")
	for _, c := range m.Counters {
		counters.row(c.Name, thousands(c.Value), c.Unit, c.Help)
	}
	if m.Panics != nil {
		counters.row("panics", thousands(*m.Panics), "times", "the module failed on a batch, which was dropped")
	}
	section(w, "counters", counters)
	meta := newTable("ATTRIBUTE", ">SIZE", "USE", "PLACE")
	for _, d := range m.Metadata {
		meta.row(d.Name, strconv.FormatUint(d.Size, 10), d.Mode, d.place())
	}
	section(w, "metadata", meta)
}

func gateRow(gate uint64, peer string, c countData, hooks []hookName) []string {
	batches := ""
	if c.Batches > 0 {
		batches = thousands(c.Batches)
	}
	var names []string
	for _, h := range hooks {
		names = append(names, h.Class+"::"+h.Name)
	}
	return []string{strconv.FormatUint(gate, 10), peer, c.packets(), batches, c.size(), c.bytes(), strings.Join(names, ", ")}
}

// maxRules is how many rules a table shows.
const maxRules = 100

func ruleTable(rules []ruleData) *table {
	t := newTable(">RULE", ">PACKETS", "TEXT")
	for i, r := range rules {
		if i == maxRules {
			t.row("…", "", moreRules(len(rules)-i))
			break
		}
		t.row(strconv.Itoa(r.Number), thousands(r.Packets), r.text())
	}
	return t
}

func moreRules(n int) string { return plural(n, "more rule") + "; -o json has all" }

// section writes a table under a title, nothing if it has no rows.
func section(w io.Writer, title string, t *table) {
	if t.empty() {
		return
	}
	fmt.Fprintf(w, "  %s\n", title)
	t.write(w, "    ")
}
