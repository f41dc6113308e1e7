// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// Diff returns what must be done to turn current, from FromState, into want,
// from Validate without errors. What both have in common is left alone; what
// only current has is removed. It is a pure function: nothing happens before
// the plan is applied.
//
// The order of a plan follows from three facts. Nothing is published to the
// workers before the whole plan has succeeded, so modules go first and free
// their names, queues and gates for others. Opening a port, constructing a
// module and starting a worker may fail, so they come as early as possible.
// Closing a port is seen outside at once, so it comes last, except if a
// successor needs the device; one that only needs the name is opened before.
func Diff(current, want *Pipeline, cat Catalog) *Plan { return diff(current, want, newIndex(cat)) }

func diff(current, want *Pipeline, x *index) *Plan {
	d := &differ{index: x, cur: current, want: want, plan: &Plan{}, gone: map[string]bool{},
		early: map[string]bool{}, swapped: map[string]bool{}, lost: map[int]bool{}, goneTCs: map[string]bool{}}
	d.sortPorts()
	d.sortModules()
	d.newWorkers()
	d.destroyModules()
	d.closePorts(true)
	d.openPorts()
	d.createModules()
	d.updateModules()
	d.links()
	d.schedule()
	d.closePorts(false)
	return d.plan
}

// differ makes a Plan.
type differ struct {
	*index
	cur, want *Pipeline
	plan      *Plan

	create, update []*Module         // of want
	why            map[string]string // of modules that are destroyed and made again
	gone           map[string]bool   // modules of cur that are destroyed
	openedPorts    []*Port
	closedPorts    []string
	early          map[string]bool // ports of cur that are closed before others are opened
	swapped        map[string]bool // those of them that are closed after their successor is opened
	lost           map[int]bool    // workers of cur that end
	goneTCs        map[string]bool // classes of cur that are deleted, maybe to be made again
	users          map[queue][]*Module
}

// sortPorts finds out which ports are opened and closed.
func (d *differ) sortPorts() {
	devices := map[string]bool{}
	for _, w := range ordered(d.want.Ports) {
		c := d.cur.Ports[w.Name]
		if c != nil && samePort(c, w) {
			continue
		}
		d.openedPorts = append(d.openedPorts, w)
		for _, dev := range devicesOf(w) {
			devices[dev] = true
		}
		if c != nil {
			d.early[c.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.cur.Ports)) {
		c := d.cur.Ports[name]
		if d.early[name] && !slices.ContainsFunc(devicesOf(c), func(dev string) bool { return devices[dev] }) {
			d.swapped[name] = named(c) && named(d.want.Ports[name]) || c.Driver != d.want.Ports[name].Driver
		}
		if d.want.Ports[name] == nil && slices.ContainsFunc(devicesOf(c), func(dev string) bool { return devices[dev] }) {
			d.early[name] = true
		}
		if d.want.Ports[name] == nil || d.early[name] {
			d.closedPorts = append(d.closedPorts, name)
		}
	}
}

// samePort reports whether the running port c is what w declares. Counts that
// are not declared are the driver's choice.
func samePort(c, w *Port) bool {
	fits := func(have, want uint64) bool { return want == 0 || have == want }
	return c.Driver == w.Driver && scalars.Equal(c.Arg, w.Arg) && fits(c.NumInc, w.NumInc) && fits(c.NumOut, w.NumOut) &&
		fits(c.SizeInc, w.SizeInc) && fits(c.SizeOut, w.SizeOut)
}

// named reports whether a port's argument says which device it is. One that
// does not may be called after the port, as its successor is then, too.
func named(p *Port) bool { return len(devicesOf(p)) > 0 }

// devicesOf names what a port's argument may refer to: a path, an interface,
// an address. Two ports that have one in common cannot be open together. Words
// to choose from are no names.
func devicesOf(p *Port) (names []string) {
	p.Arg.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if r, ok := proto.GetExtension(fd.Options(), option.E_Rule).(*option.Rule); ok && len(r.GetOneOf())+len(r.GetFormat()) > 0 {
			return true
		}
		if fd.Kind() == protoreflect.StringKind && !fd.IsList() && !fd.IsMap() || fd.ContainingOneof() != nil {
			names = append(names, p.Driver+"\x00"+string(fd.Name())+"\x00"+v.String())
		}
		return true
	})
	return names
}

// sortModules finds out which modules are created, updated and destroyed.
func (d *differ) sortModules() {
	d.why = map[string]string{}
	for _, m := range ordered(d.want.Modules) {
		c := d.cur.Modules[m.Name]
		switch {
		case c == nil:
			d.create = append(d.create, m)
		case c.Class != m.Class:
			d.why[m.Name] = "class " + c.Class + " -> " + m.Class
		case d.usesEarly(c):
			d.why[m.Name] = "its port is replaced"
		case !scalars.Equal(c.Arg, m.Arg):
			d.update = append(d.update, m)
		}
	}
	for _, m := range append(slices.Clone(d.create), d.update...) {
		d.makeWay(m)
	}
	d.update = slices.DeleteFunc(d.update, func(m *Module) bool { return d.why[m.Name] != "" })
	for name := range d.cur.Modules {
		d.gone[name] = d.want.Modules[name] == nil || d.why[name] != ""
	}
}

// usesEarly reports whether a running module uses a port that is closed
// early.
func (d *differ) usesEarly(m *Module) bool {
	c, ok := claimOf(d.classes[m.Class], m.Arg)
	return ok && d.early[c.port]
}

// makeWay has running modules destroyed and made again that hold a queue
// which m is going to take and they are going to leave.
func (d *differ) makeWay(m *Module) {
	want, ok := claimOf(d.classes[m.Class], m.Arg)
	if !ok {
		return
	}
	for _, other := range d.holders()[queue{want.port, want.dir, -1}] {
		have, _ := claimOf(d.classes[other.Class], other.Arg)
		if other.Name != m.Name && d.want.Modules[other.Name] != nil && d.why[other.Name] == "" &&
			(want.qid < 0 || have.qid < 0 || want.qid == have.qid) {
			d.why[other.Name] = "module " + m.Name + " takes its queue"
		}
	}
}

// holders returns the running modules that use each direction of each port.
func (d *differ) holders() map[queue][]*Module {
	if d.users == nil {
		d.users = map[queue][]*Module{}
		for _, m := range ordered(d.cur.Modules) {
			if c, ok := claimOf(d.classes[m.Class], m.Arg); ok {
				q := queue{c.port, c.dir, -1}
				d.users[q] = append(d.users[q], m)
			}
		}
	}
	return d.users
}

func (d *differ) destroyModules() {
	for _, name := range slices.Sorted(maps.Keys(d.cur.Modules)) {
		switch {
		case !d.gone[name]:
		case d.why[name] != "":
			d.plan.quietly(moduleObject(name), d.want.Modules[name].Pos, func(tx *engine.Tx) error { return tx.DestroyModule(name) })
		default:
			a := Action{Verb: verbDelete, Object: moduleObject(name), Disruption: Affecting, Detail: "class " + d.cur.Modules[name].Class}
			d.plan.then(a, Position{}, func(tx *engine.Tx) error { return tx.DestroyModule(name) })
		}
	}
}

// closePorts closes the ports that must be closed early, or all others.
func (d *differ) closePorts(early bool) {
	for _, name := range d.closedPorts {
		if d.early[name] != early || d.swapped[name] {
			continue
		}
		do := func(tx *engine.Tx) error { return tx.DestroyPort(name) }
		if w := d.want.Ports[name]; w != nil {
			d.plan.quietly(portObject(name), w.Pos, do)
			continue
		}
		a := Action{Verb: verbDelete, Object: portObject(name), Disruption: Affecting, Detail: "driver " + d.cur.Ports[name].Driver}
		d.plan.then(a, Position{}, do)
	}
}

func (d *differ) openPorts() {
	d.plan.opened = d.openedPorts
	for _, p := range d.openedPorts {
		a := Action{Verb: verbCreate, Object: portObject(p.Name), Disruption: None, Detail: "driver " + p.Driver}
		if c := d.cur.Ports[p.Name]; c != nil {
			a.Verb, a.Disruption, a.Detail = verbRebuild, Affecting, portChanges(c, p)
		}
		d.plan.act(a, p.Pos, &p.args, func(tx *engine.Tx) (engine.How, error) {
			s, err := d.plan.ports.spec(p)
			if err != nil {
				return 0, err
			}
			open := tx.CreatePort
			if d.swapped[p.Name] {
				open = tx.ReplacePort
			}
			return engine.Unchanged, open(s)
		})
	}
}

func portChanges(c, w *Port) string {
	if c.Driver != w.Driver {
		return "driver " + c.Driver + " -> " + w.Driver
	}
	list := changes(c.Arg, w.Arg)
	for _, q := range []struct {
		key        string
		have, want uint64
	}{{"numIncQ", c.NumInc, w.NumInc}, {"numOutQ", c.NumOut, w.NumOut}, {"sizeIncQ", c.SizeInc, w.SizeInc}, {"sizeOutQ", c.SizeOut, w.SizeOut}} {
		if q.want != 0 && q.have != q.want {
			list = append(list, q.key+": "+itoa(int(q.have))+" -> "+itoa(int(q.want)))
		}
	}
	return join(list)
}

func (d *differ) createModules() {
	for _, m := range ordered(d.want.Modules) {
		a := Action{Verb: verbCreate, Object: moduleObject(m.Name), Disruption: None, Detail: "class " + m.Class}
		switch {
		case d.cur.Modules[m.Name] == nil:
		case d.why[m.Name] != "":
			a.Verb, a.Disruption, a.Detail = verbRebuild, Affecting, d.why[m.Name]
		default:
			continue
		}
		d.plan.act(a, m.Pos, &m.args, func(tx *engine.Tx) (engine.How, error) {
			arg, err := pack(m.Arg)
			if err != nil {
				return 0, err
			}
			return engine.Unchanged, tx.CreateModule(m.Name, m.Class, arg)
		})
	}
}

func (d *differ) updateModules() {
	for _, m := range d.update {
		c := d.cur.Modules[m.Name]
		a := Action{Verb: verbUpdate, Object: moduleObject(m.Name), Disruption: InPlace, Detail: join(changes(c.Arg, m.Arg))}
		if !c.updates {
			a.Verb, a.Disruption = verbRebuild, Rebuilt
		}
		d.plan.act(a, m.Pos, &m.args, func(tx *engine.Tx) (engine.How, error) {
			arg, err := pack(m.Arg)
			if err != nil {
				return 0, err
			}
			return tx.UpdateModule(m.Name, arg)
		})
	}
}

// links plans the changes of links. Those of modules that were destroyed are
// cut already.
func (d *differ) links() {
	have := make(map[gate]*Link, len(d.cur.Links))
	for _, l := range d.cur.Links {
		have[gate{l.From, l.OGate}] = l
	}
	keep := make(map[gate]bool, len(d.want.Links))
	for _, l := range d.want.Links {
		keep[gate{l.From, l.OGate}] = true
	}
	for _, l := range d.cur.Links {
		if keep[gate{l.From, l.OGate}] || d.gone[l.From] || d.want.Modules[l.To] == nil {
			continue
		}
		cut := !d.gone[l.To]
		d.plan.then(Action{Verb: verbDisconnect, Object: linkObject(l), Disruption: Affecting}, Position{}, func(tx *engine.Tx) error {
			if !cut {
				return nil
			}
			return tx.Disconnect(l.From, uint64(l.OGate))
		})
	}
	for _, l := range d.want.Links {
		d.link(have[gate{l.From, l.OGate}], l)
	}
}

// link plans the change of the link of one output gate from old, which may be
// nil, to l.
func (d *differ) link(old, l *Link) {
	connect := func(tx *engine.Tx) error { return tx.Connect(l.From, uint64(l.OGate), l.To, uint64(l.IGate)) }
	same := old != nil && old.To == l.To && old.IGate == l.IGate
	isCut := old == nil || d.gone[old.From] || d.gone[old.To]
	switch {
	case same && !isCut:
	case same:
		d.plan.quietly(linkObject(l), l.Pos, connect)
	case old == nil:
		d.plan.then(Action{Verb: verbConnect, Object: linkObject(l), Disruption: None}, l.Pos, connect)
	default:
		a := Action{Verb: verbMove, Object: linkObject(l), Disruption: InPlace, Detail: "was " + itoa(old.IGate) + ":" + old.To}
		d.plan.then(a, l.Pos, func(tx *engine.Tx) error {
			if isCut {
				return connect(tx)
			}
			return tx.MoveLink(l.From, uint64(l.OGate), l.To, uint64(l.IGate))
		})
	}
}
