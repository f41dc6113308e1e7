// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
)

// TCSpec is what a client says about a traffic class, or about the place of a
// task (spec: api.md section 6.3). A nil Priority or Share was not given.
type TCSpec struct {
	Name, Policy, Resource, Parent string
	Worker                         int64
	Priority, Share                *int64
	Limit, MaxBurst                map[string]int64
	LeafModule                     string
	LeafTask                       uint64
}

// AddTC creates a traffic class below a parent, or as a root of a worker.
// Errors: EINVAL for a missing, reserved or taken name, an unknown policy or
// resource, a limit that is not positive and a bad place; ENOENT for an
// unknown parent, EPERM for a leaf as parent.
func (e *Engine) AddTC(s TCSpec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.addTC(s); err != nil {
		return err
	}
	e.settle()
	return nil
}

func (e *Engine) addTC(s TCSpec) error {
	if s.Name == "" {
		return errno.Errorf(errno.EINVAL, "Missing 'name' field")
	}
	if strings.HasPrefix(s.Name, "!") {
		return errno.Errorf(errno.EINVAL, "TC names starting with '!' are reserved: %q", s.Name)
	}
	if err := checkName("traffic class", s.Name); err != nil {
		return err
	}
	if e.tcs.byName[s.Name] != nil {
		return errno.Errorf(errno.EINVAL, "Name '%s' already exists", s.Name)
	}
	c, err := newTC(s)
	if err != nil {
		return err
	}
	p, err := e.place(s, c)
	if err != nil {
		return err
	}
	e.tcs.byName[s.Name] = c
	e.tcs.attach(e, c, p)
	e.undo.add(func() { e.tcs.detach(e, c); delete(e.tcs.byName, s.Name) })
	e.changed()
	return nil
}

// newTC makes the class; it has no place yet.
func newTC(s TCSpec) (sched.Class, error) {
	policy, err := sched.ParsePolicy(s.Policy)
	if err != nil {
		return nil, errno.Errorf(errno.EINVAL, "Invalid traffic policy: tc %s: %w", s.Name, err)
	}
	switch policy {
	case sched.PolicyPriority:
		return sched.NewPriority(s.Name), nil
	case sched.PolicyRoundRobin:
		return sched.NewRoundRobin(s.Name), nil
	case sched.PolicyLeaf:
		return nil, errno.Errorf(errno.EINVAL, "Cannot create leaf TC. Use UpdateTcParentRequest message")
	}
	res, err := parseResource(s)
	if err != nil {
		return nil, err
	}
	if policy == sched.PolicyWeightedFair {
		return sched.NewWeightedFair(s.Name, res)
	}
	limit, burst := s.Limit[s.Resource], s.MaxBurst[s.Resource]
	if err := checkRate(s.Name, s.Resource, limit, burst); err != nil {
		return nil, err
	}
	return sched.NewRateLimit(s.Name, res, uint64(limit), uint64(burst))
}

func parseResource(s TCSpec) (sched.Resource, error) {
	res, err := sched.ParseResource(s.Resource)
	if err != nil {
		return 0, errno.Errorf(errno.EINVAL, "Invalid resource: tc %s: %w", s.Name, err)
	}
	return res, nil
}

func checkRate(name, resource string, limit, burst int64) error {
	if limit <= 0 {
		return errno.Errorf(errno.EINVAL, "tc %s: limit[%s]: %d: must be positive, the class could never run", name, resource, limit)
	}
	if burst < 0 {
		return errno.Errorf(errno.EINVAL, "tc %s: max_burst[%s]: %d: must not be negative", name, resource, burst)
	}
	return nil
}

// place is where a class goes: below a parent, or as a root of a worker.
type place struct {
	parent sched.Class
	arg    sched.Arg
	worker int // for roots; anyWorker leaves the choice to the engine
}

// place checks where the request wants c. It may launch the default worker.
func (e *Engine) place(s TCSpec, c sched.Class) (place, error) {
	if s.Parent == "" {
		return e.rootPlace(s.Worker)
	}
	if s.Worker != anyWorker {
		return place{}, errno.Errorf(errno.EINVAL, "Both 'parent' and 'wid'have been specified: parent %q, wid %d", s.Parent, s.Worker)
	}
	p := e.tcs.byName[s.Parent]
	if p == nil {
		return place{}, errno.Errorf(errno.ENOENT, "Parent TC '%s' not found%s", s.Parent, suggest(s.Parent, sortedKeys(e.tcs.byName)))
	}
	arg := sched.None
	switch {
	case s.Priority != nil:
		arg = sched.WithPriority(*s.Priority)
	case s.Share != nil:
		arg = sched.WithShare(*s.Share)
	}
	err := sched.CanAttach(p, c, arg)
	switch {
	case err == nil:
		return place{parent: p, arg: arg}, nil
	case errors.Is(err, sched.ErrNoPriority):
		err = errno.Errorf(errno.EINVAL, "No priority specified: %w", err)
	case errors.Is(err, sched.ErrPriorityReserved):
		err = errno.Errorf(errno.EINVAL, "Priority -1 is reserved: %w", err)
	case errors.Is(err, sched.ErrNoShare):
		err = errno.Errorf(errno.EINVAL, "No share specified: %w", err)
	case errors.Is(err, sched.ErrLeafParent):
		err = errno.Errorf(errno.EPERM, "Parent tc doesn't support children: %w", err)
	default:
		err = errno.Errorf(errno.EINVAL, "AddChild() failed: %w", err)
	}
	return place{}, err
}

func (e *Engine) rootPlace(wid int64) (place, error) {
	if wid != anyWorker && (wid < 0 || wid >= module.MaxWorkers) {
		return place{}, errno.Errorf(errno.EINVAL, "'wid' must be -1 or between 0 and %d: %d", module.MaxWorkers-1, wid)
	}
	if wid == anyWorker || e.workers[wid] != nil {
		if wid == anyWorker && !e.hasWorkers() {
			return place{worker: anyWorker}, e.launchDefault()
		}
		return place{worker: int(wid)}, nil
	}
	if wid == 0 && !e.hasWorkers() {
		return place{worker: 0}, e.launchDefault()
	}
	return place{}, errno.Errorf(errno.EINVAL, "worker:%d does not exist", wid)
}

func (e *Engine) hasWorkers() bool {
	for _, w := range e.workers {
		if w != nil {
			return true
		}
	}
	return false
}

// launchDefault makes worker 0 on the default core, paused.
func (e *Engine) launchDefault() error {
	return e.addWorker(0, int64(e.opt.DefaultCore), "")
}

// findTC finds the class that a request means, by name or as a module's task.
func (e *Engine) findTC(s TCSpec) (sched.Class, error) {
	switch {
	case s.Name != "":
		c := e.tcs.byName[s.Name]
		if c == nil {
			return nil, errno.Errorf(errno.ENOENT, "Tc '%s' doesn't exist%s", s.Name, suggest(s.Name, sortedKeys(e.tcs.byName)))
		}
		return c, nil
	case s.LeafModule != "":
		m, err := e.lookup(s.LeafModule)
		if err != nil {
			return nil, err
		}
		if s.LeafTask >= module.MaxTasks {
			return nil, errno.Errorf(errno.EINVAL, "'taskid' must be between 0 and %d: %d", module.MaxTasks-1, s.LeafTask)
		}
		if s.LeafTask >= uint64(len(m.Tasks)) {
			return nil, errno.Errorf(errno.ENOENT, "Task %s:%d does not exist", s.LeafModule, s.LeafTask)
		}
		return e.tcs.leaf[m.Tasks[s.LeafTask]], nil
	}
	return nil, errno.Errorf(errno.EINVAL, "One of 'name' or 'leaf_module_name' must be specified")
}

// UpdateTCParams changes the resource, limit and burst of a rate limit or the
// resource of a weighted-fair class; tokens and planned wake-ups are kept.
// Errors: those of finding the class, EINVAL for a bad resource, limit or
// policy.
func (e *Engine) UpdateTCParams(s TCSpec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.updateTCParams(s); err != nil {
		return err
	}
	e.settle()
	return nil
}

func (e *Engine) updateTCParams(s TCSpec) error {
	c, err := e.findTC(s)
	if err != nil {
		return err
	}
	s.Name = c.Name()
	switch c := c.(type) {
	case *sched.RateLimit:
		return e.updateRate(c, s)
	case *sched.WeightedFair:
		res, err := parseResource(s)
		if err != nil {
			return err
		}
		e.undo.later(func() { e.tcs.do(e, c, func() { _ = c.UpdateParams(res) }) })
		e.changed()
		return nil
	}
	return errno.Errorf(errno.EINVAL, "Only 'rate_limit' and 'weighted_fair' can be updated: tc %s is %s", c.Name(), c.Policy())
}

func (e *Engine) updateRate(c *sched.RateLimit, s TCSpec) error {
	res, err := parseResource(s)
	if err != nil {
		return err
	}
	limit, burst := int64(c.Limit()), int64(c.MaxBurst())
	if v, ok := s.Limit[s.Resource]; ok {
		limit = v
	}
	if v, ok := s.MaxBurst[s.Resource]; ok {
		burst = v
	}
	if err := checkRate(s.Name, s.Resource, limit, burst); err != nil {
		return err
	}
	e.undo.later(func() {
		e.tcs.do(e, c, func() { _ = c.UpdateParams(res, uint64(limit), uint64(burst)) })
	})
	e.changed()
	return nil
}

// UpdateTCParent moves a task, or an orphan class, below another parent or to
// another worker. Errors: those of finding the class and of the place; EINVAL
// for a class that is part of a worker. Nothing has moved when it fails.
func (e *Engine) UpdateTCParent(s TCSpec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.updateTCParent(s); err != nil {
		return err
	}
	e.settle()
	return nil
}

func (e *Engine) updateTCParent(s TCSpec) error {
	c, err := e.findTC(s)
	if err != nil {
		return err
	}
	_, isLeaf := c.(*sched.Leaf)
	if !isLeaf && !e.tcs.isOrphan(c) {
		return errno.Errorf(errno.EINVAL, "Cannot detach '%s'. while it is part of a worker", c.Name())
	}
	p, err := e.place(s, c)
	if err != nil {
		return err
	}
	old := e.tcs.placeOf(c)
	e.tcs.detach(e, c)
	e.tcs.attach(e, c, p)
	e.undo.add(func() { e.tcs.detach(e, c); e.tcs.attach(e, c, old) })
	e.changed()
	return nil
}

// DeleteTC removes an inner class without children. Errors: EINVAL for an
// empty name or a task's class, ENOENT, EBUSY while it has children.
func (e *Engine) DeleteTC(name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.deleteTC(name); err != nil {
		return err
	}
	e.settle()
	return nil
}

func (e *Engine) deleteTC(name string) error {
	if name == "" {
		return errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	c := e.tcs.byName[name]
	if c == nil {
		return errno.Errorf(errno.ENOENT, "No TC '%s' found", name)
	}
	if _, leaf := c.(*sched.Leaf); leaf || strings.HasPrefix(name, "!") {
		return errno.Errorf(errno.EINVAL, "tc %s: made by the daemon, it goes with its module or worker", name)
	}
	if kids := c.Children(); len(kids) > 0 {
		return errno.Errorf(errno.EBUSY, "tc %s: has children: %s", name, kids[0].Name())
	}
	old := e.tcs.placeOf(c)
	e.tcs.detach(e, c)
	delete(e.tcs.byName, name)
	e.undo.add(func() { e.tcs.byName[name] = c; e.tcs.attach(e, c, old) })
	e.changed()
	return nil
}

// ResetTCs removes all inner traffic classes. Errors: EBUSY while any module
// has a task.
func (e *Engine) ResetTCs() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.tcs.leaf) > 0 {
		return errno.Errorf(errno.EBUSY, "TCs still have tasks")
	}
	e.tcs.forgetInner(e)
	e.settle()
	e.changed()
	return nil
}

// TCStats are the totals of a traffic class since it was created.
type TCStats = sched.Stats

// TCStats returns the totals of a traffic class. Errors: EINVAL for an empty
// name, ENOENT.
func (e *Engine) TCStats(name string) (TCStats, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		return TCStats{}, errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	c := e.tcs.byName[name]
	if c == nil {
		return TCStats{}, errno.Errorf(errno.ENOENT, "No TC '%s' found", name)
	}
	return c.Stats(), nil
}

// TCInfo is a line of ListTCs.
type TCInfo struct {
	Name, Policy, Parent string
	Blocked              bool
	Worker               int // -1: orphan
	// Priority and Share are set according to the parent's policy.
	Priority *uint32
	Share    *int32
	// Resource, Limit and MaxBurst of a rate limit; Resource of a
	// weighted-fair class.
	Resource        string
	Limit, MaxBurst uint64
	// LeafModule and LeafTask say whose task a leaf runs.
	LeafModule string
	LeafTask   int
}

// ListTCs returns the traffic classes of a worker, or of all if wid is
// negative: every class after its children's brothers before it, roots by
// name. Errors: EINVAL for an id above 63.
func (e *Engine) ListTCs(wid int64) ([]TCInfo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if wid >= module.MaxWorkers {
		return nil, errno.Errorf(errno.EINVAL, "'wid' must be between 0 and %d: %d", module.MaxWorkers-1, wid)
	}
	list := []TCInfo{}
	for _, name := range sortedKeys(e.tcs.byName) {
		c := e.tcs.byName[name]
		if wid >= 0 && int64(workerOf(c)) != wid {
			continue
		}
		for _, k := range c.Children() {
			list = append(list, describeTC(k))
		}
		if c.Parent() == nil {
			list = append(list, describeTC(c))
		}
	}
	return list, nil
}

func describeTC(c sched.Class) TCInfo {
	i := TCInfo{Name: c.Name(), Policy: c.Policy().String(), Blocked: c.Blocked(), Worker: workerOf(c)}
	if p := c.Parent(); p != nil {
		i.Parent = p.Name()
	}
	if v, ok := c.Priority(); ok {
		i.Priority = &v
	}
	if v, ok := c.Share(); ok {
		i.Share = &v
	}
	switch c := c.(type) {
	case *sched.RateLimit:
		i.Resource, i.Limit, i.MaxBurst = c.Resource().String(), c.Limit(), c.MaxBurst()
	case *sched.WeightedFair:
		i.Resource = c.Resource().String()
	case *sched.Leaf:
		t := taskOf(c)
		i.LeafModule, i.LeafTask = t.Module.Name, t.ID
	}
	return i
}

// workerOf returns the id of the worker in whose tree c is, -1 for orphans.
func workerOf(c sched.Class) int {
	if s := c.Scheduler(); s != nil {
		return s.Worker()
	}
	return anyWorker
}
