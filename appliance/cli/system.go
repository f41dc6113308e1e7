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

// poolData are the packet buffers of a NUMA node.
type poolData struct {
	Node        int32  `json:"node"`
	Initialized bool   `json:"initialized"`
	Buffers     uint32 `json:"buffers"`
	Available   uint32 `json:"available"`
	InUse       uint32 `json:"in_use"`
	// BufferSize and RingBytes are bytes; CacheSize is in buffers.
	BufferSize uint32 `json:"buffer_size"`
	CacheSize  uint32 `json:"cache_size"`
	RingBytes  uint64 `json:"ring_bytes"`
}

func showMempoolCommand(a *app) *cobra.Command {
	node := int32(-1)
	cmd := &cobra.Command{
		Use:   "mempool",
		Short: "Show how many packet buffers there are and how many are free",
		Long: "Shows the packet buffers of each NUMA node.\n\n" +
			"JSON: a list of node, initialized, buffers, available, in_use, buffer_size\n(bytes), cache_size (buffers), ring_bytes.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().Int32Var(&node, "node", -1, "only this NUMA node; -1: all")
	cmd.RunE = view(a, func(ctx context.Context, c *client.Client, _ []string) ([]poolData, error) {
		return readPools(ctx, c, node)
	}, drawPools)
	return cmd
}

func readPools(ctx context.Context, c *client.Client, node int32) ([]poolData, error) {
	dumps, err := c.Mempool(ctx, node)
	if err != nil {
		return nil, err
	}
	list := []poolData{}
	for _, d := range dumps {
		list = append(list, poolData{d.GetSocket(), d.GetInitialized(), d.GetMpSize(), d.GetMpAvailableCount(), d.GetMpInUseCount(),
			d.GetMpElementSize(), d.GetMpCacheSize(), d.GetRingBytes()})
	}
	return list, nil
}

func drawPools(w io.Writer, list []poolData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no packet buffers.")
		return
	}
	t := newTable(">NODE", ">BUFFERS", ">FREE", ">IN USE", ">USED", ">BYTES EACH", ">CACHE")
	for _, d := range list {
		used := ""
		if d.Buffers > 0 {
			used = fixed(100*float64(d.InUse)/float64(d.Buffers), 1) + " %"
		}
		t.row(fmt.Sprint(d.Node), thousands(uint64(d.Buffers)), thousands(uint64(d.Available)), thousands(uint64(d.InUse)),
			used, thousands(uint64(d.BufferSize)), thousands(uint64(d.CacheSize)))
	}
	t.write(w, "")
}

// hookData is a hook at a gate.
type hookData struct {
	Module string `json:"module"`
	// Direction is "in" or "out".
	Direction string `json:"direction"`
	Gate      int64  `json:"gate"`
	Class     string `json:"class"`
	Name      string `json:"name"`
	Arg       any    `json:"arg"`
}

func newHook(h *api.GateHookInfo) hookData {
	d := hookData{Module: h.GetModuleName(), Direction: "out", Gate: h.GetOgate(), Class: h.GetClassName(), Name: h.GetHookName()}
	if in, ok := h.GetGate().(*api.GateHookInfo_Igate); ok {
		d.Direction, d.Gate = "in", in.Igate
	}
	if arg, err := unpack(h.GetArg(), false); err == nil {
		d.Arg = arg // that of a hook of another daemon may be unknown here
	}
	return d
}

func showHooksCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "hooks [MODULE…]",
		Aliases: []string{"hook"},
		Short:   "Show the hooks at the gates",
		Long: "Shows the hooks at the gates of modules: Track counts packets, TcpDump and PcapNg\ncopy them.\n\n" +
			"JSON: a list of module, direction (in or out), gate, class, name, arg.",
		ValidArgsFunction: a.complete(moduleNames),
		RunE:              view(a, readHooks, drawHooks),
	}
}

// readHooks reads the hooks of the named modules, or of all.
func readHooks(ctx context.Context, c *client.Client, modules []string) ([]hookData, error) {
	all, err := c.GateHooks(ctx)
	if err != nil {
		return nil, err
	}
	want := map[string]bool{}
	for _, m := range modules {
		if _, err := c.Module(ctx, m); err != nil {
			return nil, err
		}
		want[m] = true
	}
	list := []hookData{}
	for _, h := range all {
		if len(modules) == 0 || want[h.GetModuleName()] {
			list = append(list, newHook(h))
		}
	}
	return list, nil
}

func drawHooks(w io.Writer, list []hookData) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no hooks.")
		return
	}
	t := newTable("MODULE", "GATE", "CLASS", "NAME", "ARGUMENT")
	for _, d := range list {
		arg := ""
		if o, ok := d.Arg.(object); ok && len(o) > 0 {
			arg = flow(o)
		}
		t.row(d.Module, fmt.Sprintf("%s %d", d.Direction, d.Gate), d.Class, d.Name, arg)
	}
	t.write(w, "")
}
