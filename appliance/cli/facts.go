// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

func factsCommand(a *app) *cobra.Command {
	var probe bool
	cmd := &cobra.Command{
		Use:   "facts",
		Short: "Tell what the machine is made of",
		Long: "Tells what the machine is made of: kernel, cores, memory, huge pages, image,\nnetwork interfaces and what they can do.\n\n" +
			"JSON: the message bess.appliance.v1.GetFactsResponse.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.facts(cmd.Context(), probe)
		},
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "try AF_XDP on every interface: opens, binds and closes a socket on a free queue")
	return cmd
}

func (a *app) facts(ctx context.Context, probe bool) error {
	return a.with(func(c *client.Client) error {
		f, err := c.Facts(ctx, probe)
		if err != nil {
			return err
		}
		text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(f)
		if err != nil {
			return err
		}
		v, err := ordered(string(text)) // JSON is YAML
		if err != nil {
			return err
		}
		return a.emit(v, func(w io.Writer) { drawFacts(w, f) })
	})
}

func drawFacts(w io.Writer, f *appliancepb.GetFactsResponse) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	line("host", "%s", f.GetHostname())
	line("kernel", "%s", f.GetKernel())
	line("bessd", "%s", f.GetVersion())
	if i := f.GetImage(); i != nil {
		line("image", "%s, slot %s", i.GetVersion(), i.GetSlot())
	}
	line("up", "%s, since %s", f.GetUptime().AsDuration().Round(time.Second), f.GetBootTime().AsTime().Format(time.RFC3339))
	line("memory", "%s MiB, %s available", thousands(f.GetMemoryTotal()>>20), thousands(f.GetMemoryAvailable()>>20))
	for _, h := range f.GetHugePages() {
		line("huge pages", "%s of %s kB, %s free", thousands(h.GetTotal()), thousands(h.GetPageBytes()>>10), thousands(h.GetFree()))
	}
	line("sockets", "AF_XDP %s, AF_PACKET %s", f.GetAfXdp(), f.GetAfPacket())
	for _, l := range f.GetListeners() {
		line("listening", "%s %s", l.GetProtocol(), net.JoinHostPort(l.GetAddress(), fmt.Sprint(l.GetPort())))
	}
	fmt.Fprintln(w)
	drawCores(w, f.GetCores())
	fmt.Fprintln(w)
	drawInterfaces(w, f.GetInterfaces())
}

func drawCores(w io.Writer, list []*appliancepb.Core) {
	t := newTable(">CORE", ">NODE", "ISOLATED", "ALLOWED", "WORKERS")
	mark := func(b bool) string {
		if b {
			return "yes"
		}
		return ""
	}
	for _, c := range list {
		workers := strings.Trim(fmt.Sprint(c.GetWorkers()), "[]")
		t.row(fmt.Sprint(c.GetId()), fmt.Sprint(c.GetNumaNode()), mark(c.GetIsolated()), mark(c.GetAllowed()), workers)
	}
	t.write(w, "")
}

func drawInterfaces(w io.Writer, list []*appliancepb.Interface) {
	t := newTable("INTERFACE", "MAC", "DRIVER", "BUS", ">QUEUES", "LINK", ">MBPS", ">MTU", "XDP", "ZERO COPY", "AF_XDP")
	for _, i := range list {
		link, speed := "down", ""
		switch {
		case !i.GetAdminUp():
			link = "off"
		case i.GetLinkUp():
			link = "up"
		}
		if i.GetSpeedMbps() > 0 {
			speed = thousands(uint64(i.GetSpeedMbps()))
		}
		t.row(i.GetName(), i.GetMac(), i.GetDriver(), i.GetBusAddress(), fmt.Sprintf("%d/%d", i.GetRxQueues(), i.GetTxQueues()),
			link, speed, fmt.Sprint(i.GetMtu()), i.GetXdpNative(), i.GetXdpZerocopy(), i.GetAfXdp())
	}
	t.write(w, "")
}
