// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// portData is a port with everything that can be read of it.
type portData struct {
	Name    string `json:"name"`
	Driver  string `json:"driver"`
	MAC     string `json:"mac"`
	MTU     uint32 `json:"mtu"`
	AdminUp bool   `json:"admin_up"`
	LinkUp  bool   `json:"link_up"`
	// SpeedMbps is 0 if the driver does not know it.
	SpeedMbps  uint32 `json:"speed_mbps"`
	FullDuplex bool   `json:"full_duplex"`
	Autoneg    bool   `json:"autoneg"`
	Arg        any    `json:"arg"`
	// Notes are what the driver has to say, such as the end of a recording.
	Notes     []string      `json:"notes"`
	In        directionData `json:"in"`
	Out       directionData `json:"out"`
	Timestamp float64       `json:"timestamp"`
}

// directionData are the queues and counters of one direction. The histograms
// count transfers by the number of packets asked for, moved, and missing.
type directionData struct {
	Queues    uint64   `json:"queues"`
	QueueSize uint64   `json:"queue_size"`
	Packets   uint64   `json:"packets"`
	Bytes     uint64   `json:"bytes"`
	Dropped   uint64   `json:"dropped"`
	Requested []uint64 `json:"requested_hist"`
	Actual    []uint64 `json:"actual_hist"`
	Missing   []uint64 `json:"diff_hist"`
}

// batches returns how many transfers moved something.
func (d *directionData) batches() uint64 {
	n := uint64(0)
	for i, c := range d.Actual {
		if i > 0 {
			n += c
		}
	}
	return n
}

const showPortLong = `Shows ports: two lines each, from outside into the engine (in) and back (out).
With names the arguments of the drivers, too.

JSON: a list of name, driver, mac, mtu, admin_up, link_up, speed_mbps (0:
unknown), full_duplex, autoneg, arg, notes (of the driver, such as the end of a
recording), timestamp, and in and out with queues, queue_size, packets, bytes,
dropped, requested_hist, actual_hist, diff_hist
(element n: transfers that asked for, moved, or missed n packets).`

func showPortCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "port [NAME…]",
		Aliases:           []string{"ports"},
		Short:             "Show ports: link, queues, counters",
		Long:              showPortLong,
		ValidArgsFunction: a.complete(portNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw := func(w io.Writer, list []*portData) { drawPorts(w, list, len(args) > 0) }
			return view(a, readPorts, draw)(cmd, args)
		},
	}
}

func portNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Ports(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.GetName()
	}
	return names, nil
}

// readPorts reads the named ports, or all.
func readPorts(ctx context.Context, c *client.Client, names []string) ([]*portData, error) {
	list, err := c.Ports(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(list))
	known := map[string]*client.Port{}
	for i, p := range list {
		all[i], known[p.GetName()] = p.GetName(), p
	}
	ports := []*portData{}
	for _, name := range pick(names, all) {
		if known[name] == nil {
			return nil, fmt.Errorf("port %q: there is none of that name%s", name, hint(name, all))
		}
		p, err := readPort(ctx, c, known[name])
		switch {
		case client.IsNotFound(err) && len(names) == 0:
			continue // closed meanwhile
		case err != nil:
			return nil, err
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func readPort(ctx context.Context, c *client.Client, line *client.Port) (*portData, error) {
	stats, err := c.PortStats(ctx, line.GetName())
	if err != nil {
		return nil, err
	}
	link, err := c.LinkStatus(ctx, line.GetName())
	if err != nil {
		return nil, err
	}
	conf, err := c.PortConf(ctx, line.GetName())
	if err != nil {
		return nil, err
	}
	p := &portData{
		Name: line.GetName(), Driver: line.GetDriver(), MAC: line.GetMacAddr(), MTU: conf.GetMtu(), AdminUp: conf.GetAdminUp(),
		LinkUp: link.GetLinkUp(), SpeedMbps: link.GetSpeed(), FullDuplex: link.GetFullDuplex(), Autoneg: link.GetAutoneg(),
		In:        newDirection(line.GetNumIncQ(), line.GetSizeIncQ(), stats.GetInc()),
		Out:       newDirection(line.GetNumOutQ(), line.GetSizeOutQ(), stats.GetOut()),
		Timestamp: stats.GetTimestamp(),
	}
	notes, err := c.PortNotes(ctx, line.GetName())
	if err != nil && !client.IsUnimplemented(err) {
		return nil, err
	}
	p.Notes = orEmpty(notes)
	if arg, err := unpack(line.GetDriverArg(), false); err == nil {
		p.Arg = arg // that of a driver of another daemon may be unknown here
	}
	return p, nil
}

func newDirection(queues, size uint64, s *api.GetPortStatsResponse_Stat) directionData {
	return directionData{Queues: queues, QueueSize: size, Packets: s.GetPackets(), Bytes: s.GetBytes(), Dropped: s.GetDropped(),
		Requested: orEmpty(s.GetRequestedHist()), Actual: orEmpty(s.GetActualHist()), Missing: orEmpty(s.GetDiffHist())}
}

// orEmpty makes a list that JSON writes as one.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// state says whether the port can carry packets, and how fast.
func (p *portData) state() string {
	switch {
	case !p.AdminUp:
		return "disabled"
	case !p.LinkUp:
		return "down"
	case p.SpeedMbps == 0:
		return "up"
	}
	s := "up, " + withUnit(float64(p.SpeedMbps)*1e6, "bps")
	if !p.FullDuplex {
		s += " half duplex"
	}
	return s
}

func drawPorts(w io.Writer, list []*portData, args bool) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no ports.")
		return
	}
	t := newTable("PORT", "DRIVER", "MAC", ">MTU", "LINK", "DIR", "QUEUES", ">PACKETS", ">BYTES", ">DROPPED")
	for _, p := range list {
		t.row(append([]string{p.Name, p.Driver, p.MAC, fmt.Sprint(p.MTU), p.state(), "in"}, p.In.cells()...)...)
		t.row(append([]string{"", "", "", "", "", "out"}, p.Out.cells()...)...)
	}
	t.write(w, "")
	for _, p := range list {
		for _, note := range p.Notes {
			fmt.Fprintf(w, "\n%s: %s\n", printable(p.Name), printable(note))
		}
	}
	if !args {
		return
	}
	for _, p := range list {
		if p.Arg != nil {
			fmt.Fprintf(w, "\n%s: %s\n", printable(p.Name), printable(flow(p.Arg)))
		}
	}
}

func (d *directionData) cells() []string {
	return []string{fmt.Sprintf("%d × %d", d.Queues, d.QueueSize), thousands(d.Packets), thousands(d.Bytes), thousands(d.Dropped)}
}
