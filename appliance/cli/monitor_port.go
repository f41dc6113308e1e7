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

// portsRates are the rates of ports.
type portsRates struct {
	interval
	Ports []portRates `json:"ports"`
	Total portRates   `json:"total"`
}

type portRates struct {
	Name string         `json:"name"`
	In   directionRates `json:"in"`
	Out  directionRates `json:"out"`
}

type directionRates struct {
	PacketsPerSecond float64 `json:"packets_per_second"`
	// BitsPerSecond includes the overhead; it is 0 if the driver does not
	// count bytes.
	BitsPerSecond    float64 `json:"bits_per_second"`
	DroppedPerSecond float64 `json:"dropped_per_second"`
	PacketsPerBatch  float64 `json:"packets_per_batch"`
}

func newDirectionRates(old, next *directionData, l *lapse) directionRates {
	packets, bytes := l.rate(old.Packets, next.Packets), l.rate(old.Bytes, next.Bytes)
	r := directionRates{PacketsPerSecond: packets, DroppedPerSecond: l.rate(old.Dropped, next.Dropped),
		PacketsPerBatch: ratio(packets, l.rate(old.batches(), next.batches()))}
	if bytes > 0 {
		r.BitsPerSecond = 8 * (bytes + overhead*packets)
	}
	return r
}

func (r *directionRates) add(d directionRates) {
	r.PacketsPerSecond += d.PacketsPerSecond
	r.BitsPerSecond += d.BitsPerSecond
	r.DroppedPerSecond += d.DroppedPerSecond
}

func (r *directionRates) cells() []string {
	batch := ""
	if r.PacketsPerBatch > 0 {
		batch = fixed(r.PacketsPerBatch, 1)
	}
	return []string{fixed(r.PacketsPerSecond/1e6, 6), fixed(r.BitsPerSecond/1e9, 6), fixed(r.DroppedPerSecond, 1), batch}
}

func monitorPortCommand(a *app, p *pace) *cobra.Command {
	return &cobra.Command{
		Use:   "port [NAME…]",
		Short: "Show the rates of ports",
		Long: "Shows the rates of ports, from outside into the engine (IN) and back (OUT). Gbps\nis 0 if a driver does not count bytes.\n\n" + monitorLong + `

JSON: timestamp, seconds, ports: name, in and out (packets_per_second,
bits_per_second, dropped_per_second, packets_per_batch); total: the same sums.`,
		ValidArgsFunction: a.complete(portNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := meter[[]*portData, *portsRates]{noun: "port", rates: ratePorts, draw: drawPortRates,
				read: func(ctx context.Context, c *client.Client) ([]*portData, error) {
					return readPorts(ctx, c, args)
				}}
			return m.run(cmd.Context(), a, p)
		},
	}
}

func ratePorts(old, next []*portData, s *span) *portsRates {
	before := map[string]*portData{}
	for _, p := range old {
		before[p.Name] = p
	}
	r := &portsRates{Ports: []portRates{}, Total: portRates{Name: "total"}}
	for _, p := range next {
		o := before[p.Name]
		if o == nil {
			continue // new: its rate is known next time
		}
		l := s.between(o.Timestamp, p.Timestamp)
		if l == nil {
			continue
		}
		rates := portRates{p.Name, newDirectionRates(&o.In, &p.In, l), newDirectionRates(&o.Out, &p.Out, l)}
		r.Ports = append(r.Ports, rates)
		r.Total.In.add(rates.In)
		r.Total.Out.add(rates.Out)
	}
	r.interval = s.interval()
	return r
}

func drawPortRates(w io.Writer, r *portsRates) {
	if len(r.Ports) == 0 {
		fmt.Fprintln(w, "There are no ports.")
		return
	}
	t := newTable("PORT", ">IN Mpps", ">Gbps", ">DROPS/s", ">PER BATCH", ">OUT Mpps", ">Gbps", ">DROPS/s", ">PER BATCH")
	list := r.Ports
	if len(list) > 1 {
		list = append(list[:len(list):len(list)], r.Total)
	}
	for i := range list {
		t.row(append(append([]string{list[i].Name}, list[i].In.cells()...), list[i].Out.cells()...)...)
	}
	t.write(w, "")
}
