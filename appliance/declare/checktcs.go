// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// policies, and whether each counts a resource.
var policies = map[string]bool{"priority": false, "round_robin": false, "weighted_fair": true, "rate_limit": true}

const (
	rateLimit    = "rate_limit"
	weightedFair = "weighted_fair"
	priority     = "priority"
)

var resources = []string{"bit", "count", "cycle", "packet"}

func (c *checker) checkTCs() {
	c.checkCycles()
	children := newFamily()
	for _, t := range ordered(c.TCs) {
		object := tcObject(t.Name)
		if strings.HasPrefix(t.Name, "!") {
			c.field(t.Pos, object, "name", "", "names that begin with ! are those of the engine")
		}
		counts, ok := policies[t.Policy]
		switch {
		case t.Policy == "" && !c.missing(t.fields, "policy"):
		case t.Policy == "":
			c.field(t.fields.of("policy", t.Pos), object, "policy", "one of "+strings.Join(slices.Sorted(maps.Keys(policies)), ", "), "must be set")
		case !ok:
			c.field(t.fields.of("policy", t.Pos), object, "policy", known(c, t.Policy, policies), "no policy %s", show(t.Policy))
		default:
			c.checkResource(t, object, counts)
			c.checkRate(t, object)
		}
		c.checkPlace(child{t.Pos, t.fields, object, "parent"}, &t.Place, children)
	}
	for _, t := range ordered(c.Tasks) {
		c.checkPlace(child{t.Pos, t.fields, taskObject(t.ID), "class"}, &t.Place, children)
	}
}

func (c *checker) checkResource(t *TC, object string, counts bool) {
	switch {
	case !counts && t.Resource != "":
		c.field(t.fields.of("resource", t.Pos), object, "resource", "", "%s: policy %s counts no resource", show(t.Resource), t.Policy)
	case counts && t.Resource == "" && !c.missing(t.fields, "resource"):
	case counts && t.Resource == "":
		c.field(t.fields.of("resource", t.Pos), object, "resource", "one of "+strings.Join(resources, ", "), "must be set")
	case counts && !slices.Contains(resources, t.Resource):
		hint := scalars.DidYouMean(t.Resource, resources)
		if hint == "" {
			hint = "known are " + strings.Join(resources, ", ")
		}
		c.field(t.fields.of("resource", t.Pos), object, "resource", hint, "no resource %s", show(t.Resource))
	}
}

func (c *checker) checkRate(t *TC, object string) {
	switch {
	case !c.missing(t.fields, "limit"): // something about it is reported
	case t.Policy != rateLimit && (t.limited || t.MaxBurst != 0):
		c.field(t.fields.of("limit", t.Pos), object, "limit", "", "only policy rate_limit has limit and maxBurst, this is %s", t.Policy)
	case t.Policy == rateLimit && !t.limited:
		c.field(t.fields.of("limit", t.Pos), object, "limit", "", "must be set")
	case t.Policy == rateLimit && t.Limit <= 0:
		c.field(t.fields.of("limit", t.Pos), object, "limit", "", "%d: must be positive, the class could never run", t.Limit)
	}
	if t.MaxBurst < 0 {
		c.field(t.fields.of("maxBurst", t.Pos), object, "maxBurst", "", "%d: must not be negative", t.MaxBurst)
	}
}

// checkCycles reports every circle of parents once, at its first class.
func (c *checker) checkCycles() {
	const visiting, done = 1, 2
	state := map[string]int{}
	for _, t := range ordered(c.TCs) {
		var path []string
		for n := t; n != nil && state[n.Name] == 0; n = c.TCs[n.Parent] {
			state[n.Name] = visiting
			path = append(path, n.Name)
			if next := c.TCs[n.Parent]; next != nil && state[next.Name] == visiting {
				circle := path[slices.Index(path, next.Name):]
				c.field(next.fields.of("parent", next.Pos), tcObject(next.Name), "parent", "", "a circle of parents: %s -> %s", strings.Join(circle, " -> "), next.Name)
			}
		}
		for _, name := range path {
			state[name] = done
		}
	}
}

// family remembers the children of classes, for what must be unique.
type family struct {
	first      map[string]string // of a rate_limit class
	priorities map[gate]string   // by parent and priority
}

func newFamily() *family {
	return &family{first: map[string]string{}, priorities: map[gate]string{}}
}

// child is a class or task; parentKey is the key that names its parent.
type child struct {
	pos       Position
	fields    places
	object    string
	parentKey string
}

// bad reports a field of a child.
func (c *checker) bad(k child, key, hint, format string, a ...any) {
	c.field(k.fields.of(key, k.pos), k.object, key, hint, format, a...)
}

// checkPlace checks where a class or task hangs.
func (c *checker) checkPlace(k child, p *Place, f *family) {
	if p.Parent == "" {
		c.checkRoot(k, p)
		return
	}
	if p.Worker != nil {
		c.bad(k, "worker", "", "not together with %s: the worker is that of %s", k.parentKey, show(p.Parent))
	}
	parent := c.TCs[p.Parent]
	if parent == nil {
		c.bad(k, k.parentKey, similar(c, p.Parent, c.TCs), "no traffic class %s is declared", show(p.Parent))
		return
	}
	c.childArg(k, parent, "priority", priority, p.Priority)
	c.childArg(k, parent, "share", weightedFair, p.Share)
	switch {
	case parent.Policy == rateLimit && f.first[parent.Name] != "":
		c.bad(k, k.parentKey, "", "%s: a rate_limit class has one child, and this has %s", show(parent.Name), f.first[parent.Name])
	case parent.Policy == rateLimit:
		f.first[parent.Name] = k.object
	case parent.Policy == priority && p.Priority != nil:
		g := gate{parent.Name, int(*p.Priority)}
		if other := f.priorities[g]; other != "" {
			c.bad(k, "priority", "", "%d: %s below %s has it too", *p.Priority, other, show(parent.Name))
			return
		}
		f.priorities[g] = k.object
	}
}

// childArg checks that children of classes with the policy, and no others,
// have the argument.
func (c *checker) childArg(k child, parent *TC, key, policy string, v *int64) {
	if _, ok := policies[parent.Policy]; !ok {
		return
	}
	switch {
	case parent.Policy == policy && v == nil && !c.missing(k.fields, key):
	case parent.Policy == policy && v == nil:
		c.bad(k, key, "", "must be set: parent %s is %s", show(parent.Name), policy)
	case parent.Policy != policy && v != nil:
		c.bad(k, key, "", "%d: parent %s is %s, which takes none", *v, show(parent.Name), parent.Policy)
	}
}

// checkRoot checks a class or task without a parent.
func (c *checker) checkRoot(k child, p *Place) {
	if p.Worker != nil {
		switch {
		case c.Workers[*p.Worker] != nil:
		case len(c.Workers) > 0:
			c.bad(k, "worker", "", "no worker %d is declared", *p.Worker)
		case *p.Worker != 0:
			c.bad(k, "worker", "declare it in workers", "no worker %d is declared, and only worker 0 is made without", *p.Worker)
		}
	}
	if p.Priority != nil {
		c.bad(k, "priority", "", "%d: only with %s", *p.Priority, k.parentKey)
	}
	if p.Share != nil {
		c.bad(k, "share", "", "%d: only with %s", *p.Share, k.parentKey)
	}
}

// checkTasks checks that the modules have the tasks that are placed.
func (c *checker) checkTasks() {
	for _, t := range ordered(c.Tasks) {
		object := taskObject(t.ID)
		m := c.Modules[t.ID.Module]
		if m == nil {
			c.add(Finding{Severity: Error, Pos: t.Pos, Object: object, Message: "no module " + show(t.ID.Module) + " is declared",
				Hint: similar(c, t.ID.Module, c.Modules)})
			continue
		}
		cl := c.classes[m.Class]
		if cl == nil {
			continue
		}
		if n, ok := c.tasksOf(m, cl); ok && t.ID.Task >= n {
			switch n {
			case 0:
				c.errorf(t.Pos, object, "class %s has no tasks%s", cl.Name, without(cl))
			default:
				c.errorf(t.Pos, object, "task %d: module %s has %s", t.ID.Task, m.Name, numbered(n, "task"))
			}
		}
	}
}

// tasksOf returns how many tasks a module will have, if that can be known:
// one, or one for each incoming queue of a port.
func (c *checker) tasksOf(m *Module, cl *module.Class) (int, bool) {
	if cl.TaskField != "" {
		return optionalTask(cl, m.Arg), true
	}
	if !cl.Task {
		return 0, true
	}
	q, ok := claimOf(cl, m.Arg)
	switch {
	case !ok:
		return module.MaxTasks, true
	case q.qid >= 0:
		return 1, true
	}
	if p := c.Ports[q.port]; p != nil && p.queues(port.Inc) > 0 {
		return min(p.queues(port.Inc), module.MaxTasks), true
	}
	return module.MaxTasks, true
}

// optionalTask returns how many tasks a module has whose argument decides.
func optionalTask(cl *module.Class, arg proto.Message) int {
	if arg == nil {
		return 0
	}
	m := arg.ProtoReflect()
	if fd := m.Descriptor().Fields().ByName(protoreflect.Name(cl.TaskField)); fd == nil || !m.Has(fd) {
		return 0
	}
	return 1
}

// without says what the class of a module without tasks would need for one.
func without(cl *module.Class) string {
	if cl.TaskField == "" {
		return ""
	}
	return " without " + cl.TaskField
}

// numbered returns "1 task: 0" or "3 tasks: 0..2".
func numbered(n int, what string) string {
	if n == 1 {
		return "1 " + what + ": 0"
	}
	return itoa(n) + " " + what + "s: 0.." + itoa(n-1)
}
