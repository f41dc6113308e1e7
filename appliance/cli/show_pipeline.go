// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const drawingLong = `A line is a module and the link that leads to it: its gates (output → input)
and the packets that took it. A module with one output is followed by the
next one (↓), one with several by branches. A module that is drawn already is
only named: (above), or (loop) if packets come back to it. With names the
drawing begins there.`

func showPipelineCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "pipeline [MODULE…]",
		Aliases: []string{"graph"},
		Short:   "Draw the graph with the packets on every link",
		Long: "Draws the graph of modules with the packets on every link.\n\n" + drawingLong + `

JSON: modules: name, class, description; links: from, ogate, to, igate,
tracked, packets, batches, bytes, timestamp (all 0 if not tracked).`,
		ValidArgsFunction: a.complete(moduleNames),
		RunE:              view(a, readPipeline, drawPipeline),
	}
}

// drawPipeline writes the graph with totals.
func drawPipeline(w io.Writer, p *pipelineData) {
	if len(p.Modules) == 0 {
		fmt.Fprintln(w, "There are no modules.")
		return
	}
	t := newTable("MODULE", "CLASS", "GATES", ">PACKETS", ">PER BATCH", ">BYTES", "DESCRIPTION")
	for _, l := range layout(p) {
		var cells []string
		if l.link != nil {
			cells = []string{l.link.packets(), l.link.size(), l.link.bytes()}
		}
		t.row(l.row(cells, 3)...)
	}
	t.write(w, "")
}

// row returns the cells of a line; values are those of the link, n columns.
func (l *treeLine) row(values []string, n int) []string {
	name, class, desc := l.node.Name, l.node.Class, l.node.Description
	if l.again != "" {
		name, class, desc = name+" ("+l.again+")", "", ""
	}
	gates := ""
	if l.link != nil {
		gates = fmt.Sprintf("%d → %d", l.link.OGate, l.link.IGate)
	}
	row := append([]string{l.branch + name, class, gates}, values...)
	for len(row) < 3+n {
		row = append(row, "")
	}
	return append(row, desc)
}
