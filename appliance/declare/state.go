// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// FromState returns what runs in the form of a declaration that says
// everything: counts that a driver chose, and the worker of every root and
// task. The engine's own objects (the classes at the top of a worker with
// several roots, the leaves of tasks) are not part of it.
func FromState(s *engine.State, cat Catalog) (*Pipeline, error) { return fromState(s, newIndex(cat)) }

func fromState(s *engine.State, x *index) (*Pipeline, error) {
	p := newPipeline()
	for _, w := range s.Workers {
		p.Workers[w.ID] = &Worker{ID: w.ID, Core: w.Core, Scheduler: w.Scheduler}
	}
	for _, sp := range s.Ports {
		d := x.drivers[sp.Driver]
		if d == nil {
			return nil, fmt.Errorf("port %s: driver %s is not in the catalog", sp.Name, sp.Driver)
		}
		msg, err := argOf(d.Arg, sp.Arg)
		if err != nil {
			return nil, fmt.Errorf("port %s: %w", sp.Name, err)
		}
		p.Ports[sp.Name] = &Port{Name: sp.Name, Driver: sp.Driver, NumInc: sp.NumInc, NumOut: sp.NumOut,
			SizeInc: sp.SizeInc, SizeOut: sp.SizeOut, args: args{Arg: msg}}
	}
	for _, m := range s.Modules {
		cl := x.classes[m.Class]
		if cl == nil {
			return nil, fmt.Errorf("module %s: class %s is not in the catalog", m.Name, m.Class)
		}
		msg, err := argOf(cl.Arg, m.Arg)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		p.Modules[m.Name] = &Module{Name: m.Name, Class: m.Class, args: args{Arg: msg}, updates: m.Updates}
	}
	for _, l := range s.Links {
		p.Links = append(p.Links, &Link{From: l.From, OGate: l.OGate, To: l.To, IGate: l.IGate})
	}
	for i := range s.TCs {
		t := tcOf(&s.TCs[i])
		p.TCs[t.Name] = t
	}
	for _, t := range s.Tasks {
		id := TaskID{t.Module, t.Task}
		p.Tasks[id] = &Task{ID: id, Place: Place{Parent: t.Parent, Worker: workerID(t.Parent, t.Worker), Priority: t.Priority, Share: t.Share}}
	}
	return p, nil
}

func tcOf(i *engine.TCInfo) *TC {
	t := &TC{Name: i.Name, Policy: i.Policy, Resource: i.Resource, Limit: int64(i.Limit), MaxBurst: int64(i.MaxBurst),
		Place: Place{Parent: i.Parent, Worker: workerID(i.Parent, i.Worker)}, limited: i.Policy == rateLimit}
	if i.Parent == "" {
		return t
	}
	if i.Priority != nil {
		v := int64(*i.Priority)
		t.Priority = &v
	}
	if i.Share != nil {
		v := int64(*i.Share)
		t.Share = &v
	}
	return t
}

// workerID returns the worker of a root, nil for children and for what waits
// for a worker.
func workerID(parent string, id int) *int {
	if parent != "" || id < 0 {
		return nil
	}
	return &id
}

// argOf unpacks an argument. Absent and of another type (EmptyArg) means
// empty: the engine checked it when it came.
func argOf(want proto.Message, a *anypb.Any) (proto.Message, error) {
	msg := argType(want).ProtoReflect().New().Interface()
	if a == nil || a.MessageName() != msg.ProtoReflect().Descriptor().FullName() {
		return msg, nil
	}
	if err := proto.Unmarshal(a.GetValue(), msg); err != nil {
		return nil, fmt.Errorf("argument: %w", err)
	}
	return msg, nil
}

// pack is the way back. An empty argument is none.
func pack(msg proto.Message) (*anypb.Any, error) {
	if msg == nil || proto.Size(msg) == 0 {
		return nil, nil
	}
	return anypb.New(msg)
}
