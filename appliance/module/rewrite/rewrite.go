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
type list struct {
	templates [][]byte
	// images are the templates again if all are short enough, else none.
	images packet.Images
}

// extend returns a new list with copies of templates appended.
func (l *list) extend(templates [][]byte) (*list, error) {
	if n := len(l.templates) + len(templates); n > maxTemplates {
		return nil, errno.Errorf(errno.EINVAL, "templates: %d: at most %d packet templates", n, maxTemplates)
	}
	out := &list{templates: append([][]byte(nil), l.templates...)}
	for i, t := range templates {
		if len(t) > maxTemplate {
			return nil, errno.Errorf(errno.EINVAL, "templates[%d]: %d bytes: at most %d bytes", i, len(t), maxTemplate)
		}
		out.templates = append(out.templates, append([]byte(nil), t...))
	}
	for _, t := range out.templates {
		if len(t) > packet.ImageSize {
			out.images = packet.Images{}
			break
		}
		out.images.Add(packet.NewImage(t))
	}
	return out, nil
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
	l, err := new(list).extend(arg.GetTemplates())
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
	l := m.templates.Load()
	if len(l.templates) > 0 {
		next := &m.next[ctx.Worker&(module.MaxWorkers-1)].i
		*next = l.rewrite(ctx, b.Packets(), *next)
	}
	ctx.EmitBatch(b, 0)
}

// rewrite gives the packets the content of templates from number i on, and
// returns the number of the next.
func (l *list) rewrite(ctx *module.Context, ps []packet.Packet, i int) int {
	if i >= len(l.templates) {
		i = 0 // the list became shorter
	}
	for len(ps) > 0 {
		var done int
		if done, i = packet.Stamp(ps, &l.images, i); done == len(ps) {
			break
		}
		p := ps[done]
		renew(ctx, p)
		p.Set(l.templates[i])
		if i++; i == len(l.templates) {
			i = 0
		}
		ps = ps[done+1:]
	}
	return i
}

// renew makes p one segment without flags: both belonged to the content that
// goes.
func renew(ctx *module.Context, p packet.Packet) {
	if p.Next() != 0 {
		ctx.Cache.FreeTail(p)
	}
	p.SetFlags(0)
}

// Update takes a new creation argument.
func (m *Rewrite) Update(arg proto.Message) error {
	l, err := new(list).extend(arg.(*RewriteArg).GetTemplates())
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
	m.templates.Store(new(list))
	return nil
}
