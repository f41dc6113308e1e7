// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// claim is what a module takes of a port: one queue or, with qid -1, all of a
// direction.
type claim struct {
	port string
	dir  port.Dir
	qid  int
}

// claimOf returns what a module of class cl with argument arg takes. Modules
// that use a port name it in a field "port", and a queue of it in "qid";
// those without input gates receive.
func claimOf(cl *module.Class, arg proto.Message) (claim, bool) {
	if cl == nil || arg == nil {
		return claim{}, false
	}
	m := arg.ProtoReflect()
	fs := m.Descriptor().Fields()
	fd := fs.ByName("port")
	if fd == nil || fd.Kind() != protoreflect.StringKind || fd.IsList() {
		return claim{}, false
	}
	c := claim{port: m.Get(fd).String(), dir: port.Out, qid: -1}
	if cl.IGates == 0 {
		c.dir = port.Inc
	}
	if q := fs.ByName("qid"); q != nil && q.Kind() == protoreflect.Uint64Kind {
		c.qid = int(min(m.Get(q).Uint(), maxQueues))
	}
	return c, c.port != ""
}

// queue is one queue of a direction of a port.
type queue struct {
	port string
	dir  port.Dir
	qid  int
}

// owners says which module has which queues; qid -1 stands for a module that
// takes them all.
type owners map[queue]string

// take gives the claim to a module, unless another has any part of it.
func (o owners) take(c claim, name string) (other string) {
	if other = o.holder(c, name); other == "" {
		o[queue(c)] = name
		if c.qid >= 0 {
			o[queue{c.port, c.dir, anyQueue}] = name
		}
	}
	return other
}

// anyQueue marks ports of which some queue is taken.
const anyQueue = -2

// holder returns a module other than name that has a part of the claim.
func (o owners) holder(c claim, name string) string {
	keys := []queue{queue(c), {c.port, c.dir, -1}}
	if c.qid < 0 {
		keys = append(keys, queue{c.port, c.dir, anyQueue})
	}
	for _, q := range keys {
		if other := o[q]; other != "" && other != name {
			return other
		}
	}
	return ""
}

// checkQueues finds modules whose port is not declared, or has a queue that
// another module uses.
func (c *checker) checkQueues() {
	taken := owners{}
	for _, m := range ordered(c.Modules) {
		cl, ok := claimOf(c.classes[m.Class], m.Arg)
		if !ok {
			continue
		}
		object := moduleObject(m.Name)
		p := c.Ports[cl.port]
		if p == nil {
			at, _ := m.locate("args.port", false, m.Pos)
			c.field(at, object, "args.port", similar(c, cl.port, c.Ports), "no port %s is declared", show(cl.port))
			continue
		}
		if other := taken.take(cl, m.Name); other != "" {
			at, _ := m.locate("args.port", false, m.Pos)
			c.field(at, object, "args.port", "", "%s: %s is used by module %s", show(cl.port), cl.text(), other)
		}
		if n := p.queues(cl.dir); n > 0 && cl.qid >= n {
			at, _ := m.locate("args.qid", false, m.Pos)
			c.field(at, object, "args.qid", "", "%d: port %s is declared with %d", cl.qid, cl.port, n)
		}
	}
}

// text names the queues of a claim.
func (c claim) text() string {
	if c.qid < 0 {
		return "an " + c.dir.String() + " queue"
	}
	return c.dir.String() + " queue " + itoa(c.qid)
}

// queues returns the declared number of queues, 0 if the driver decides.
func (p *Port) queues(dir port.Dir) int {
	if dir == port.Inc {
		return int(p.NumInc)
	}
	return int(p.NumOut)
}
