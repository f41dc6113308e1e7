// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// moduleReading is a module and when it was read.
type moduleReading struct {
	*moduleData
	// at is the daemon's time of its gates, else the local one.
	at float64
}

// moduleRates are the rates of a module.
type moduleRates struct {
	interval
	Name        string           `json:"name"`
	Class       string           `json:"class"`
	Description string           `json:"description"`
	InputGates  []moduleGateRate `json:"input_gates"`
	OutputGates []moduleGateRate `json:"output_gates"`
	Rules       []ruleRate       `json:"rules"`
	Counters    []counterRate    `json:"counters"`
}

type moduleGateRate struct {
	Gate uint64 `json:"gate"`
	gateRates

	peer string
}

type ruleRate struct {
	ruleData
	PacketsPerSecond float64 `json:"packets_per_second"`
}

type counterRate struct {
	Name      string  `json:"name"`
	Unit      string  `json:"unit"`
	PerSecond float64 `json:"per_second"`
	Value     uint64  `json:"value"`
}

func monitorModuleCommand(a *app, p *pace) *cobra.Command {
	return &cobra.Command{
		Use:   "module NAME",
		Short: "Show the rates of a module: gates, rules, counters",
		Long: "Shows the rates of a module: its gates that count packets, its rules and\ncounters.\n\n" + monitorLong + `

JSON: timestamp, seconds, name, class, description, input_gates and output_gates
(gate, packets_per_second, batches_per_second, packets_per_batch,
bits_per_second), rules (number, packets_per_second, packets, rule), counters
(name, unit, per_second, value).`,
		Args:              words("NAME"),
		ValidArgsFunction: completeEach(func(ctx context.Context, _ []string) []string { return a.ask(ctx, moduleNames) }),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%sonly one module can be monitored", verb(cmd))
			}
			m := meter[moduleReading, *moduleRates]{noun: "module", rates: rateModule, draw: drawModuleRates,
				read: func(ctx context.Context, c *client.Client) (moduleReading, error) {
					return readOneModule(ctx, c, args[0])
				}}
			return m.run(cmd.Context(), a, p)
		},
	}
}

func readOneModule(ctx context.Context, c *client.Client, name string) (moduleReading, error) {
	list, err := readModules(ctx, c, []string{name})
	if err != nil {
		return moduleReading{}, err
	}
	m := moduleReading{list[0], 0}
	for _, g := range m.InputGates {
		m.at = max(m.at, g.Timestamp)
	}
	for _, g := range m.OutputGates {
		m.at = max(m.at, g.Timestamp)
	}
	if m.at == 0 {
		m.at = now()
	}
	return m, nil
}

func rateModule(old, next moduleReading, s *span) *moduleRates {
	r := &moduleRates{Name: next.Name, Class: next.Class, Description: next.Description,
		InputGates: []moduleGateRate{}, OutputGates: []moduleGateRate{}, Rules: []ruleRate{}, Counters: []counterRate{}}
	in, out := map[uint64]countData{}, map[uint64]countData{}
	for _, g := range old.InputGates {
		in[g.Gate] = g.received()
	}
	for _, g := range old.OutputGates {
		out[g.Gate] = g.countData
	}
	for _, g := range next.InputGates {
		if rate := newGateRates(in[g.Gate], g.received(), s); rate != nil {
			r.InputGates = append(r.InputGates, moduleGateRate{g.Gate, *rate, g.peers()})
		}
	}
	for _, g := range next.OutputGates {
		if rate := newGateRates(out[g.Gate], g.countData, s); rate != nil {
			r.OutputGates = append(r.OutputGates, moduleGateRate{g.Gate, *rate, g.peer()})
		}
	}
	if l := s.between(old.at, next.at); l != nil {
		r.count(old.moduleData, next.moduleData, l)
	}
	r.interval = s.interval()
	return r
}

// count adds rules and counters.
func (r *moduleRates) count(old, next *moduleData, l *lapse) {
	for i, n := range next.Rules {
		if i < len(old.Rules) && len(old.Rules) == len(next.Rules) {
			r.Rules = append(r.Rules, ruleRate{n, l.rate(old.Rules[i].Packets, n.Packets)})
		}
	}
	add := func(name, unit string, before, after uint64) {
		r.Counters = append(r.Counters, counterRate{name, unit, l.rate(before, after), after})
	}
	add("deadends", "packets", old.Deadends, next.Deadends)
	before := map[string]uint64{}
	for _, c := range old.Counters {
		before[c.Name] = c.Value
	}
	for _, c := range next.Counters {
		add(c.Name, c.Unit, before[c.Name], c.Value)
	}
	if old.Panics != nil && next.Panics != nil {
		add("panics", "times", *old.Panics, *next.Panics)
	}
}

func drawModuleRates(w io.Writer, r *moduleRates) {
	fmt.Fprintf(w, "%s: %s", printable(r.Name), printable(r.Class))
	if r.Description != "" {
		fmt.Fprintf(w, ", %s", printable(r.Description))
	}
	fmt.Fprintln(w)
	for _, side := range []struct {
		title, peer string
		gates       []moduleGateRate
	}{{"input gates", "FROM", r.InputGates}, {"output gates", "TO", r.OutputGates}} {
		t := newTable(append([]string{">GATE", side.peer}, gateHeads()...)...)
		for i := range side.gates {
			g := &side.gates[i]
			t.row(append([]string{strconv.FormatUint(g.Gate, 10), g.peer}, g.cells()...)...)
		}
		section(w, side.title, t)
	}
	rules := newTable(">RULE", ">Mpps", ">PACKETS", "TEXT")
	for i, u := range r.Rules {
		if i == maxRules {
			rules.row("…", "", "", moreRules(len(r.Rules)-i))
			break
		}
		rules.row(strconv.Itoa(u.Number), fixed(u.PacketsPerSecond/1e6, 6), thousands(u.Packets), u.text())
	}
	section(w, "rules", rules)
	t := newTable("COUNTER", ">PER SECOND", ">VALUE", "UNIT")
	for _, c := range r.Counters {
		t.row(c.Name, fixed(c.PerSecond, 1), thousands(c.Value), c.Unit)
	}
	section(w, "counters", t)
}
