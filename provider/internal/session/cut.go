// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// Link is a connection between two gates.
type Link struct {
	From  string
	OGate uint64
	To    string
	IGate uint64
}

// String returns the link as people, and terraform import, write it.
func (l Link) String() string { return fmt.Sprintf("%s:%d->%d:%s", l.From, l.OGate, l.IGate, l.To) }

// Surroundings are what a module loses when it is destroyed, although they
// belong to other resources: its links and the places of its tasks.
type Surroundings struct {
	Links []Link
	Tasks []*api.TrafficClass
}

// cuts remembers the surroundings of modules destroyed in this run. If such a
// module is made again, it is being replaced, and the resources of its links
// and tasks will not be applied: for Terraform nothing about them changes.
type cuts struct {
	restoring sync.Mutex // so that of two ends made at once the second sees the link

	mu    sync.Mutex // guards what follows
	links []Link
	tasks []*api.TrafficClass
}

// Surroundings looks at what hangs on a module.
func (s *Session) Surroundings(ctx context.Context, name string) (*Surroundings, error) {
	info, err := s.client.Module(ctx, name)
	if err != nil {
		return nil, err
	}
	around := &Surroundings{}
	for _, o := range info.GetOgates() {
		around.Links = append(around.Links, Link{name, o.GetOgate(), o.GetName(), o.GetIgate()})
	}
	for _, in := range info.GetIgates() {
		for _, o := range in.GetOgates() {
			if o.GetName() != name { // a link to itself has been seen
				around.Links = append(around.Links, Link{o.GetName(), o.GetOgate(), name, in.GetIgate()})
			}
		}
	}
	if !MayHaveTasks(info.GetMclass()) {
		return around, nil
	}
	tcs, err := s.client.TCs(ctx, client.AnyWorker)
	for _, tc := range tcs {
		if tc.GetClass().GetLeafModuleName() == name {
			around.Tasks = append(around.Tasks, Placement(tc))
		}
	}
	return around, err
}

// MayHaveTasks reports whether modules of a class can have tasks of their own.
// Nothing that is not known for sure is ruled out.
func MayHaveTasks(class string) bool {
	c := schemas.ClassByName(class)
	return c == nil || c.Task || c.TaskField != "" || c.IGates == 0
}

// Placement returns the request that puts a task where it is now.
func Placement(tc *client.TC) *api.TrafficClass {
	c := tc.GetClass()
	place := &api.TrafficClass{
		LeafModuleName: c.GetLeafModuleName(), LeafModuleTaskid: c.GetLeafModuleTaskid(), Wid: client.AnyWorker}
	if parent := tc.GetParent(); parent != "" && !Automatic(parent) {
		place.Parent = parent
		place.Arg = c.GetArg()
	} else {
		place.Wid = c.GetWid()
	}
	return place
}

// Automatic reports whether the daemon made this traffic class by itself.
func Automatic(tc string) bool { return strings.HasPrefix(tc, "!") }

// Restore connects and places what fits the module that has taken the place
// of another of its name. It returns the links whose other end does not exist.
func (s *Session) Restore(ctx context.Context, around *Surroundings) (open []Link, err error) {
	var lost []string
	for _, l := range around.Links {
		err := s.client.Connect(ctx, l.From, l.OGate, l.To, l.IGate)
		switch {
		case client.IsNotFound(err):
			open = append(open, l)
		case err != nil && !client.IsBusy(err):
			lost = append(lost, err.Error())
		}
	}
	for _, t := range around.Tasks {
		if t.GetParent() == "" && t.GetWid() == client.AnyWorker {
			continue
		}
		if err := s.client.UpdateTCParent(ctx, t); err != nil && !client.IsNotFound(err) {
			lost = append(lost, err.Error())
		}
	}
	if len(lost) > 0 {
		err = fmt.Errorf("not everything around it could be restored: %s", strings.Join(lost, "; "))
	}
	return open, err
}

// Destroyed remembers what a module has lost.
func (s *Session) Destroyed(around *Surroundings) {
	s.cuts.mu.Lock()
	defer s.cuts.mu.Unlock()
	s.cuts.links = append(s.cuts.links, around.Links...)
	s.cuts.tasks = append(s.cuts.tasks, around.Tasks...)
}

// Created restores what a module of this name has lost in this run. A link
// between two modules that are both replaced comes back with the second.
func (s *Session) Created(ctx context.Context, name string) diag.Diagnostics {
	var diags diag.Diagnostics
	s.cuts.restoring.Lock()
	defer s.cuts.restoring.Unlock()
	around := s.cuts.take(name)
	if len(around.Links)+len(around.Tasks) == 0 {
		return diags
	}
	if !s.hasWorkers(ctx) { // else the daemon would make one, and leave it paused
		around.Tasks = slices.DeleteFunc(around.Tasks, func(t *api.TrafficClass) bool { return t.GetParent() == "" })
	}
	open, err := s.Restore(ctx, around)
	s.Destroyed(&Surroundings{Links: open})
	if err != nil {
		diags.AddWarning("Links or tasks were lost", fmt.Sprintf("Module %q was replaced; %v. Apply again to make them.", name, err))
	}
	return diags
}

// take removes and returns what concerns one module.
func (c *cuts) take(name string) *Surroundings {
	c.mu.Lock()
	defer c.mu.Unlock()
	around := &Surroundings{}
	c.links = slices.DeleteFunc(c.links, func(l Link) bool {
		mine := l.From == name || l.To == name
		if mine {
			around.Links = append(around.Links, l)
		}
		return mine
	})
	c.tasks = slices.DeleteFunc(c.tasks, func(t *api.TrafficClass) bool {
		mine := t.GetLeafModuleName() == name
		if mine {
			around.Tasks = append(around.Tasks, t)
		}
		return mine
	})
	return around
}
