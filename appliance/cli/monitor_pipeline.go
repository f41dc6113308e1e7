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

// pipelineRates are the rates of all links.
type pipelineRates struct {
	interval
	Links []linkRates `json:"links"`

	graph *pipelineData
}

type linkRates struct {
	From  string `json:"from"`
	OGate uint64 `json:"ogate"`
	To    string `json:"to"`
	IGate uint64 `json:"igate"`
	gateRates
}

// gateRates are those of a gate that is tracked.
type gateRates struct {
	PacketsPerSecond float64 `json:"packets_per_second"`
	BatchesPerSecond float64 `json:"batches_per_second"`
	PacketsPerBatch  float64 `json:"packets_per_batch"`
	// BitsPerSecond is 0 if bytes are not counted.
	BitsPerSecond float64 `json:"bits_per_second"`
}

// newGateRates compares two readings, nil if there is nothing to compare.
func newGateRates(old, next countData, s *span) *gateRates {
	if !old.Tracked || !next.Tracked {
		return nil
	}
	l := s.between(old.Timestamp, next.Timestamp)
	if l == nil {
		return nil
	}
	r := &gateRates{PacketsPerSecond: l.rate(old.Packets, next.Packets), BatchesPerSecond: l.rate(old.Batches, next.Batches),
		BitsPerSecond: 8 * l.rate(old.Bytes, next.Bytes)}
	r.PacketsPerBatch = ratio(r.PacketsPerSecond, r.BatchesPerSecond)
	return r
}

// gateHeads are the headings of cells.
func gateHeads() []string { return []string{">Mpps", ">PER BATCH", ">Gbps"} }

// cells are millions of packets per second, packets per batch, and gigabits
// per second if they are known.
func (r *gateRates) cells() []string {
	if r == nil {
		return []string{"?", "", ""}
	}
	cells := []string{fixed(r.PacketsPerSecond/1e6, 6), "", ""}
	if r.BatchesPerSecond > 0 {
		cells[1] = fixed(r.PacketsPerBatch, 1)
	}
	if r.BitsPerSecond > 0 {
		cells[2] = fixed(r.BitsPerSecond/1e9, 6)
	}
	return cells
}

func monitorPipelineCommand(a *app, p *pace) *cobra.Command {
	return &cobra.Command{
		Use:   "pipeline [MODULE…]",
		Short: "Draw the graph with the rate on every link",
		Long: "Draws the graph of modules with the rate on every link.\n\n" + drawingLong + "\n\n" + monitorLong + `

JSON: timestamp, seconds, links: from, ogate, to, igate, packets_per_second,
batches_per_second, packets_per_batch, bits_per_second (0: bytes are not
counted). Links that nothing counts are left out.`,
		ValidArgsFunction: a.complete(moduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := meter[*pipelineData, *pipelineRates]{noun: "pipeline", rates: ratePipeline, draw: drawPipelineRates,
				read: func(ctx context.Context, c *client.Client) (*pipelineData, error) {
					return readPipeline(ctx, c, args)
				}}
			return m.run(cmd.Context(), a, p)
		},
	}
}

func ratePipeline(old, next *pipelineData, s *span) *pipelineRates {
	before := map[string]countData{}
	for i := range old.Links {
		before[old.Links[i].key()] = old.Links[i].countData
	}
	r := &pipelineRates{Links: []linkRates{}, graph: next}
	for i := range next.Links {
		l := &next.Links[i]
		if g := newGateRates(before[l.key()], l.countData, s); g != nil {
			r.Links = append(r.Links, linkRates{l.From, l.OGate, l.To, l.IGate, *g})
		}
	}
	r.interval = s.interval()
	return r
}

func drawPipelineRates(w io.Writer, r *pipelineRates) {
	if len(r.graph.Modules) == 0 {
		fmt.Fprintln(w, "There are no modules.")
		return
	}
	rates := map[string]*gateRates{}
	for i := range r.Links {
		rates[fmt.Sprintf("%d:%s", r.Links[i].OGate, r.Links[i].From)] = &r.Links[i].gateRates
	}
	t := newTable(append(append([]string{"MODULE", "CLASS", "GATES"}, gateHeads()...), "DESCRIPTION")...)
	for _, l := range layout(r.graph) {
		var cells []string
		if l.link != nil {
			cells = rates[l.link.key()].cells()
		}
		t.row(l.row(cells, 3)...)
	}
	t.write(w, "")
}
