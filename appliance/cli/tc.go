// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// tcData is a traffic class with its counters.
type tcData struct {
	Name string `json:"name"`
	// Parent is empty for a root.
	Parent string `json:"parent"`
	// Worker is -1 if the class waits for one.
	Worker  int64  `json:"worker"`
	Policy  string `json:"policy"`
	Blocked bool   `json:"blocked"`
	// Share or Priority is the place below a weighted_fair or priority parent.
	Share    *int64 `json:"share"`
	Priority *int64 `json:"priority"`
	// Resource, Limit (per second) and MaxBurst are those of a rate_limit.
	Resource string `json:"resource"`
	Limit    *int64 `json:"limit"`
	MaxBurst *int64 `json:"max_burst"`
	// Module and Task are what a leaf runs.
	Module string  `json:"module"`
	Task   *uint64 `json:"task"`
	tcCounts
}

// tcCounts are totals since the class was made; an inner class has the sums
// over what is below it.
type tcCounts struct {
	Timestamp float64 `json:"timestamp"`
	Runs      uint64  `json:"runs"`
	Cycles    uint64  `json:"cycles"`
	Packets   uint64  `json:"packets"`
	Bits      uint64  `json:"bits"`
}

func newTC(s *client.TC) *tcData {
	c := s.GetClass()
	d := &tcData{Name: c.GetName(), Parent: s.GetParent(), Worker: c.GetWid(), Policy: c.GetPolicy(), Blocked: c.GetBlocked()}
	switch arg := c.GetArg().(type) {
	case *api.TrafficClass_Share:
		d.Share = &arg.Share
	case *api.TrafficClass_Priority:
		d.Priority = &arg.Priority
	}
	if d.Policy == "leaf" {
		task := c.GetLeafModuleTaskid()
		d.Module, d.Task = c.GetLeafModuleName(), &task
	}
	for resource, limit := range c.GetLimit() {
		d.Resource, d.Limit = resource, &limit
	}
	for resource, burst := range c.GetMaxBurst() {
		d.Resource, d.MaxBurst = resource, &burst
	}
	return d
}

// readTCs reads the traffic classes of a worker, of all for
// client.AnyWorker, parents before children.
func readTCs(ctx context.Context, c *client.Client, wid int64) ([]*tcData, error) {
	list, err := c.TCs(ctx, wid)
	if err != nil {
		return nil, err
	}
	var all []*tcData
	for _, s := range list {
		d := newTC(s)
		stats, err := c.TCStats(ctx, d.Name)
		switch {
		case client.IsNotFound(err):
			continue // gone meanwhile
		case err != nil:
			return nil, err
		}
		d.tcCounts = tcCounts{stats.GetTimestamp(), stats.GetCount(), stats.GetCycles(), stats.GetPackets(), stats.GetBits()}
		all = append(all, d)
	}
	return orEmpty(all), nil
}

func tcNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.TCs(ctx, client.AnyWorker)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.GetClass().GetName()
	}
	return names, nil
}

// place says what the class is to its parent.
func (d *tcData) place() string {
	switch {
	case d.Share != nil:
		return fmt.Sprintf("share %d", *d.Share)
	case d.Priority != nil:
		return fmt.Sprintf("priority %d", *d.Priority)
	}
	return ""
}

// limit says what a rate_limit lets through.
func (d *tcData) limit() string {
	if d.Policy != "rate_limit" {
		return ""
	}
	if d.Limit == nil {
		return "unlimited"
	}
	unit := map[string]string{"cycle": "Hz", "packet": "pps", "bit": "bps"}[d.Resource]
	if unit == "" {
		return thousands(uint64(max(*d.Limit, 0))) + " runs/s"
	}
	return withUnit(float64(*d.Limit), unit)
}

// burst says what a rate_limit saves up.
func (d *tcData) burst() string {
	if d.MaxBurst == nil || *d.MaxBurst == 0 {
		return ""
	}
	return plural(int(*d.MaxBurst), d.Resource)
}

// tcLine is a line of the trees of traffic classes.
type tcLine struct {
	branch string
	tc     *tcData
	worker string // in the line that begins a worker, which has no tc
}

// tcLayout draws the trees by worker; those without worker come last.
func tcLayout(list []*tcData) []tcLine {
	below := map[string][]*tcData{}
	roots := map[int64][]*tcData{}
	for _, d := range list {
		if d.Parent != "" {
			below[d.Parent] = append(below[d.Parent], d)
		} else {
			roots[d.Worker] = append(roots[d.Worker], d)
		}
	}
	var lines []tcLine
	for _, wid := range workersOf(roots) {
		name := "worker " + strconv.FormatInt(wid, 10)
		if wid < 0 {
			name = "no worker"
		}
		lines = append(lines, tcLine{worker: name})
		lines = tcChildren(lines, below, roots[wid], "")
	}
	return lines
}

func tcChildren(lines []tcLine, below map[string][]*tcData, list []*tcData, prefix string) []tcLine {
	for i, d := range list {
		branch, next := "├─ ", "│  "
		if i == len(list)-1 {
			branch, next = "└─ ", "   "
		}
		lines = append(lines, tcLine{branch: prefix + branch, tc: d})
		lines = tcChildren(lines, below, below[d.Name], prefix+next)
	}
	return lines
}

// workersOf returns the ids by number, -1 last.
func workersOf[T any](m map[int64]T) []int64 {
	var ids []int64
	for wid := range int64(64) {
		if _, ok := m[wid]; ok {
			ids = append(ids, wid)
		}
	}
	if _, ok := m[client.AnyWorker]; ok {
		ids = append(ids, client.AnyWorker)
	}
	return ids
}
