// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// moduleData is a module with everything that can be read of it.
type moduleData struct {
	Name        string       `json:"name"`
	Class       string       `json:"class"`
	Description string       `json:"description"`
	InputGates  []inputData  `json:"input_gates"`
	OutputGates []outputData `json:"output_gates"`
	Metadata    []attrData   `json:"metadata"`
	// Deadends counts packets that the module dropped or sent to gates that
	// are not connected.
	Deadends uint64 `json:"deadends"`
	// Counters, Rules and Panics are null if the daemon does not count them.
	Counters []counterData `json:"counters"`
	Rules    []ruleData    `json:"rules"`
	Panics   *uint64       `json:"panics"`
}

// countData is what a Track hook counts at a gate.
type countData struct {
	// Tracked is false if nothing counts at the gate.
	Tracked   bool    `json:"tracked"`
	Batches   uint64  `json:"batches"`
	Packets   uint64  `json:"packets"`
	Bytes     uint64  `json:"bytes"`
	Timestamp float64 `json:"timestamp"`
}

// packets writes the count, "?" if nobody counts.
func (c countData) packets() string {
	if !c.Tracked {
		return "?"
	}
	return thousands(c.Packets)
}

// size writes the mean size of a batch.
func (c countData) size() string {
	if c.Batches == 0 {
		return ""
	}
	return fixed(float64(c.Packets)/float64(c.Batches), 1)
}

// bytes writes the bytes if they are counted.
func (c countData) bytes() string {
	if c.Bytes == 0 {
		return ""
	}
	return thousands(c.Bytes)
}

type inputData struct {
	Gate uint64       `json:"gate"`
	From []feederData `json:"from"`
	countData
	Hooks []hookName `json:"hooks"`
}

// received returns what entered the gate: its own count, else the sum of what
// the gates that feed it count.
func (d *inputData) received() countData {
	if d.Tracked {
		return d.countData
	}
	var sum countData
	for _, f := range d.From {
		if f.Packets == nil {
			return countData{}
		}
		sum.Tracked = true
		sum.Packets += *f.Packets
		sum.Timestamp = max(sum.Timestamp, f.timestamp)
	}
	return sum
}

// peers names the gates that feed the gate.
func (d *inputData) peers() string {
	var from []string
	for _, f := range d.From {
		from = append(from, fmt.Sprintf("%s:%d", f.Module, f.Gate))
	}
	return strings.Join(from, ", ")
}

// peer names the gate it leads to.
func (d *outputData) peer() string { return fmt.Sprintf("%d:%s", d.To.Gate, d.To.Module) }

// feederData is an output gate that feeds an input gate. Packets is null if
// nothing counts there.
type feederData struct {
	Module  string  `json:"module"`
	Gate    uint64  `json:"gate"`
	Packets *uint64 `json:"packets"`

	timestamp float64
}

type outputData struct {
	Gate uint64   `json:"gate"`
	To   peerData `json:"to"`
	countData
	Hooks []hookName `json:"hooks"`
}

// peerData is the other end of a link.
type peerData struct {
	Module string `json:"module"`
	Gate   uint64 `json:"gate"`
}

type hookName struct {
	Class string `json:"class"`
	Name  string `json:"name"`
}

// attrData is a metadata attribute. Offset is -1 if nobody reads it, -2 if
// nobody writes it, -3 if there was no room.
type attrData struct {
	Name   string `json:"name"`
	Size   uint64 `json:"size"`
	Mode   string `json:"mode"`
	Offset int64  `json:"offset"`
}

// place says where the attribute is.
func (d attrData) place() string {
	switch d.Offset {
	case -1:
		return "nobody reads it"
	case -2:
		return "nobody writes it"
	case -3:
		return "no room"
	}
	return fmt.Sprintf("bytes %d..%d", d.Offset, d.Offset+int64(d.Size)-1)
}

type counterData struct {
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	Value uint64 `json:"value"`
	Help  string `json:"help"`
}

// modulesReader reads modules, each at most once.
type modulesReader struct {
	c    *client.Client
	info map[string]*client.ModuleInfo
}

// get reads the links and counters of a module.
func (r *modulesReader) get(ctx context.Context, name string) (*client.ModuleInfo, error) {
	if info := r.info[name]; info != nil {
		return info, nil
	}
	info, err := r.c.Module(ctx, name)
	if err == nil {
		r.info[name] = info
	}
	return info, err
}

// read reads everything of a module.
func (r *modulesReader) read(ctx context.Context, name string) (*moduleData, error) {
	info, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	m := newModuleData(info)
	for i := range m.InputGates {
		if err := r.feeders(ctx, m.InputGates[i].From); err != nil {
			return nil, err
		}
	}
	counters, err := r.c.ModuleCounters(ctx, name)
	if client.IsUnimplemented(err) {
		return m, nil // a daemon that keeps none
	}
	if err != nil {
		return nil, err
	}
	m.addCounters(counters)
	if len(m.Rules) > 0 {
		arg, err := r.c.InitialArg(ctx, name)
		if err != nil {
			return nil, err
		}
		m.addRules(arg)
	}
	return m, nil
}

// feeders fills in what the gates that feed an input gate count.
func (r *modulesReader) feeders(ctx context.Context, from []feederData) error {
	for i := range from {
		info, err := r.get(ctx, from[i].Module)
		switch {
		case client.IsNotFound(err):
			continue // removed meanwhile
		case err != nil:
			return err
		}
		for _, o := range info.GetOgates() {
			if o.GetOgate() == from[i].Gate && o.GetTimestamp() != 0 {
				n := o.GetPkts()
				from[i].Packets, from[i].timestamp = &n, o.GetTimestamp()
			}
		}
	}
	return nil
}

func newModuleData(info *api.GetModuleInfoResponse) *moduleData {
	m := &moduleData{
		Name: info.GetName(), Class: info.GetMclass(), Description: info.GetDesc(), Deadends: info.GetDeadends(),
		InputGates: []inputData{}, OutputGates: []outputData{}, Metadata: []attrData{},
	}
	for _, g := range info.GetIgates() {
		in := inputData{Gate: g.GetIgate(), Hooks: hookNames(g.GetGatehooks()), From: []feederData{},
			countData: countData{g.GetTimestamp() != 0, g.GetCnt(), g.GetPkts(), g.GetBytes(), g.GetTimestamp()}}
		for _, o := range g.GetOgates() {
			in.From = append(in.From, feederData{Module: o.GetName(), Gate: o.GetOgate()})
		}
		m.InputGates = append(m.InputGates, in)
	}
	for _, g := range info.GetOgates() {
		m.OutputGates = append(m.OutputGates, outputData{Gate: g.GetOgate(), Hooks: hookNames(g.GetGatehooks()),
			To:        peerData{g.GetName(), g.GetIgate()},
			countData: countData{g.GetTimestamp() != 0, g.GetCnt(), g.GetPkts(), g.GetBytes(), g.GetTimestamp()}})
	}
	for _, t := range info.GetMetadata() {
		m.Metadata = append(m.Metadata, attrData{t.GetName(), t.GetSize(), t.GetMode(), t.GetOffset()})
	}
	return m
}

func hookNames(hooks []*api.GetModuleInfoResponse_GateHook) []hookName {
	names := []hookName{}
	for _, h := range hooks {
		names = append(names, hookName{h.GetClassName(), h.GetHookName()})
	}
	return names
}

func (m *moduleData) addCounters(r *declarepb.ModuleCountersResponse) {
	panics := r.GetPanics()
	m.Panics, m.Counters, m.Rules = &panics, []counterData{}, []ruleData{}
	for _, c := range r.GetCounters() {
		m.Counters = append(m.Counters, counterData{c.GetName(), c.GetUnit(), c.GetValue(), c.GetHelp()})
	}
	for i, n := range r.GetRulePackets() {
		m.Rules = append(m.Rules, ruleData{Number: i, Packets: n})
	}
}

// moduleNames lists the modules.
func moduleNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Modules(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = m.GetName()
	}
	return names, nil
}

// readModules reads the named modules, or all. What vanishes while all are
// read is left out.
func readModules(ctx context.Context, c *client.Client, names []string) ([]*moduleData, error) {
	all, err := moduleNames(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &modulesReader{c, map[string]*client.ModuleInfo{}}
	list := []*moduleData{}
	for _, name := range pick(names, all) {
		m, err := r.read(ctx, name)
		switch {
		case client.IsNotFound(err) && len(names) == 0:
			continue
		case err != nil:
			return nil, better(err, name, all)
		}
		list = append(list, m)
	}
	return list, nil
}
