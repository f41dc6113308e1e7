// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package rewrite is the module class Rewrite: packets become copies of
// templates (spec: modules/headers.md).
package rewrite

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Rewrite",
	Prefix:     "rewrite",
	Help:       "replaces the content of packets by templates, in turn",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*RewriteArg)(nil),
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "appends templates", (*Rewrite).add),
		module.Do("clear", module.Concurrent, "removes all templates; packets then pass unchanged", (*Rewrite).clear),
	},
	New: module.New(create),
}

const (
	maxTemplates = packet.BatchSize
	maxTemplate  = 1536 // bytes
)

// list is a list of templates. Immutable once published.
type list [][]byte

// extend returns a new list with copies of templates appended.
func (l list) extend(templates [][]byte) (*list, error) {
	if n := len(l) + len(templates); n > maxTemplates {
		return nil, errno.Errorf(errno.EINVAL, "templates: %d: at most %d packet templates", n, maxTemplates)
	}
	total := 0
	for i, t := range templates {
		if len(t) > maxTemplate {
			return nil, errno.Errorf(errno.EINVAL, "templates[%d]: %d bytes: at most %d bytes", i, len(t), maxTemplate)
		}
		total += len(t)
	}
	// One piece of memory keeps the templates together in the cache.
	mem := make([]byte, 0, total)
	out := append(make(list, 0, len(l)+len(templates)), l...)
	for _, t := range templates {
		mem = append(mem, t...)
		out = append(out, mem[len(mem)-len(t):len(mem):len(mem)])
	}
	return &out, nil
}

// Rewrite is an instance.
type Rewrite struct {
	templates atomic.Pointer[list]
	// next is, for each worker, the template whose turn it is; a cache line
	// each.
	next [module.MaxWorkers]struct {
		i int
		_ [56]byte
	}
}

func create(_ *module.Env, arg *RewriteArg) (*Rewrite, error) {
	l, err := list(nil).extend(arg.GetTemplates())
	if err != nil {
		return nil, err
	}
	m := &Rewrite{}
	m.templates.Store(l)
	return m, nil
}

// Process gives every packet the content of the template whose turn it is.
// Metadata stays.
func (m *Rewrite) Process(ctx *module.Context, b *packet.Batch) {
	l := *m.templates.Load()
	switch ps := b.Packets(); len(l) {
	case 0:
	case 1:
		for _, p := range ps {
			fill(ctx, p, l[0])
		}
	default:
		next := &m.next[ctx.Worker&(module.MaxWorkers-1)]
		i := next.i
		for _, p := range ps {
			// Also after the list became shorter.
			if i >= len(l) {
				i = 0
			}
			fill(ctx, p, l[i])
			i++
		}
		next.i = i
	}
	ctx.EmitBatch(b, 0)
}

// fill makes t the content of p. For the sizes of small frames two copies of
// constant length, one from the front and one from the back, replace the call
// of the general routine.
func fill(ctx *module.Context, p packet.Packet, t []byte) {
	if p.Next() != 0 {
		// The content of a template is one segment.
		ctx.Cache.FreeTail(p)
	}
	if p.Flags() != 0 {
		// They told about the content that goes.
		p.SetFlags(0)
	}
	p.Init(len(t))
	b := p.Bytes()
	if len(t) < 32 || len(t) > 64 || len(b) != len(t) {
		copy(b, t)
		return
	}
	*(*[32]byte)(b) = *(*[32]byte)(t)
	*(*[32]byte)(b[len(b)-32:]) = *(*[32]byte)(t[len(t)-32:])
}

// Update takes a new creation argument.
func (m *Rewrite) Update(arg proto.Message) error {
	l, err := list(nil).extend(arg.(*RewriteArg).GetTemplates())
	if err != nil {
		return err
	}
	m.templates.Store(l)
	return nil
}

func (m *Rewrite) add(arg *RewriteArg) error {
	l, err := m.templates.Load().extend(arg.GetTemplates())
	if err != nil {
		return err
	}
	m.templates.Store(l)
	return nil
}

func (m *Rewrite) clear(*api.EmptyArg) error {
	m.templates.Store(&list{})
	return nil
}
