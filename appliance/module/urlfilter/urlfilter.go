// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package urlfilter is the module class UrlFilter: HTTP requests for listed
// pages are answered with 403 and their connections reset (spec:
// modules/classify.md).
package urlfilter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:   "UrlFilter",
	Prefix: "url-filter",
	Help:   "blocks HTTP requests for listed pages",
	IGates: 2,
	OGates: 2,
	Arg:    (*UrlFilterArg)(nil),
	Counters: []module.CounterDoc{
		countBlocked:   {Name: "blocked_requests", Unit: "requests", Help: "for a listed page: answered with 403, connection reset"},
		countDropped:   {Name: "dropped", Unit: "packets", Help: "of connections with a blocked request, the request included"},
		countUnchecked: {Name: "unchecked", Unit: "connections", Help: "passed without further checks: no room, too large a request, or no HTTP"},
		countNoPacket:  {Name: "no_packet", Unit: "packets", Help: "answers or resets not sent: there was no free packet"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "an empty argument: the pages are part of the runtime configuration", (*URLFilter).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "all pages, sorted", (*URLFilter).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "replaces all pages", (*URLFilter).setRuntimeConfig),
		module.Do("add", module.Concurrent, "adds pages", (*URLFilter).add),
		module.Do("clear", module.Concurrent, "removes all pages; connections already blocked stay so", (*URLFilter).clear),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countBlocked = iota
	countDropped
	countUnchecked
	countNoPacket
)

// page is a host, in lower case, and a path.
type page struct{ host, path string }

// pages is the list of what is blocked. Immutable.
type pages map[string]map[string]bool // host -> path

// URLFilter is an instance.
type URLFilter struct {
	pages atomic.Pointer[pages]
	flows [module.MaxWorkers]atomic.Pointer[flows]
}

// with returns the list with more pages.
func (p pages) with(urls []*UrlFilterArg_Url) *pages {
	n := make(pages, len(p)+len(urls))
	for host, paths := range p {
		n[host] = paths
	}
	own := map[string]bool{} // hosts whose paths are a copy
	for _, u := range urls {
		host := strings.ToLower(u.GetHost())
		if !own[host] {
			own[host] = true
			paths := make(map[string]bool, len(n[host])+1)
			for path := range n[host] {
				paths[path] = true
			}
			n[host] = paths
		}
		n[host][u.GetPath()] = true
	}
	return &n
}

func create(_ *module.Env, arg *UrlFilterArg) (*URLFilter, error) {
	m := &URLFilter{}
	m.pages.Store(pages{}.with(arg.GetBlacklist()))
	return m, nil
}

// Process passes what servers send and reads what clients send.
func (m *URLFilter) Process(ctx *module.Context, b *packet.Batch) {
	if ctx.IGate == 1 {
		ctx.EmitBatch(b, 1)
		return
	}
	f := m.worker(ctx.Worker)
	f.begin(ctx.NowNS())
	list := *m.pages.Load()
	for _, p := range b.Packets() {
		m.fromClient(ctx, f, list, p)
	}
}

// worker returns the connections of a worker.
func (m *URLFilter) worker(id int) *flows {
	p := &m.flows[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(newFlows())
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *URLFilter) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Update replaces all pages.
func (m *URLFilter) Update(arg proto.Message) error {
	m.pages.Store(pages{}.with(arg.(*UrlFilterArg).GetBlacklist()))
	return nil
}

func (m *URLFilter) add(arg *UrlFilterArg) error {
	m.pages.Store(m.pages.Load().with(arg.GetBlacklist()))
	return nil
}

func (m *URLFilter) clear(*api.EmptyArg) error {
	m.pages.Store(&pages{})
	return nil
}

func (m *URLFilter) getInitialArg(*api.EmptyArg) (*UrlFilterArg, error) { return &UrlFilterArg{}, nil }

func (m *URLFilter) getRuntimeConfig(*api.EmptyArg) (*UrlFilterConfig, error) {
	var list []page
	for host, paths := range *m.pages.Load() {
		for path := range paths {
			list = append(list, page{host, path})
		}
	}
	slices.SortFunc(list, func(a, b page) int { return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.path, b.path)) })
	c := &UrlFilterConfig{}
	for _, p := range list {
		c.Blacklist = append(c.Blacklist, &UrlFilterArg_Url{Host: p.host, Path: p.path})
	}
	return c, nil
}

func (m *URLFilter) setRuntimeConfig(arg *UrlFilterConfig) error {
	m.pages.Store(pages{}.with(arg.GetBlacklist()))
	return nil
}

// Close frees what workers hold.
func (m *URLFilter) Close() {
	for i := range m.flows {
		if f := m.flows[i].Load(); f != nil {
			sys.Unmap(f.mem)
		}
	}
}

// Desc returns the number of hosts.
func (m *URLFilter) Desc() string { return fmt.Sprintf("%d hosts", len(*m.pages.Load())) }
