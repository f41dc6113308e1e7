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

// template is what packets become a copy of.
type template struct {
	data []byte
	// head and tail are the first and last bytes of data of 32..64 bytes.
	// Being arrays, they are copied with a few wide moves, and together they
	// cover all of it.
	head, tail [short]byte
}

// short is half of the length up to which templates are copied as head and
// tail.
const short = 32

func newTemplate(data []byte) template {
	t := template{data: append([]byte(nil), data...)}
	if len(data) >= short {
		t.head, t.tail = [short]byte(data), [short]byte(data[len(data)-short:])
	}
	return t
}

// list is a list of templates. Immutable once published.
type list []template

// extend returns a new list with copies of templates appended.
func (l list) extend(templates [][]byte) (*list, error) {
	if n := len(l) + len(templates); n > maxTemplates {
		return nil, errno.Errorf(errno.EINVAL, "templates: %d: at most %d packet templates", n, maxTemplates)
	}
	out := append(make(list, 0, len(l)+len(templates)), l...)
	for i, t := range templates {
		if len(t) > maxTemplate {
			return nil, errno.Errorf(errno.EINVAL, "templates[%d]: %d bytes: at most %d bytes", i, len(t), maxTemplate)
		}
		out = append(out, newTemplate(t))
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
	if len(l) > 0 {
		next := &m.next[ctx.Worker&(module.MaxWorkers-1)].i
		*next = rewrite(ctx, b.Packets(), l, *next)
	}
	ctx.EmitBatch(b, 0)
}

// rewrite gives the packets the content of templates from number i on, and
// returns the number of the next.
func rewrite(ctx *module.Context, ps []packet.Packet, l list, i int) int {
	if i >= len(l) {
		i = 0 // the list became shorter
	}
	for _, p := range ps {
		t := &l[i]
		if i++; i >= len(l) {
			i = 0
		}
		if p.Next() != 0 || p.Flags() != 0 {
			renew(ctx, p)
		}
		n := len(t.data)
		p.Init(n)
		b := p.Bytes()
		if n < short || n > 2*short {
			copy(b, t.data)
			continue
		}
		*(*[short]byte)(b) = t.head
		*(*[short]byte)(b[n-short:]) = t.tail
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
