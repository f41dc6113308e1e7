// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/schemas"
)

const emptyArg = "bess.pb.EmptyArg"

// nameOf returns the full name of a message, that of EmptyArg for none.
func nameOf(m proto.Message) protoreflect.FullName {
	if m == nil {
		return emptyArg
	}
	return m.ProtoReflect().Descriptor().FullName()
}

func classOf(c *module.Class, doc string) schemas.Class {
	s := schemas.Class{
		Name: c.Name, Prefix: c.Prefix, Help: c.Help, Doc: doc, Arg: nameOf(c.Arg),
		IGates: c.IGates, OGates: c.OGates, Task: c.Task, TaskField: c.TaskField,
		MinWorkers: 1, MaxWorkers: c.Workers(), StopsWorkers: c.StopsWorkers, Holds: c.Holds,
	}
	for _, d := range c.Commands {
		cmd := schemas.Command{Name: d.Name, Help: d.Help, Arg: nameOf(d.Arg),
			Concurrent: d.Rule == module.Concurrent, Rule: d.Rule.String()}
		if d.Resp != nil {
			cmd.Response = nameOf(d.Resp)
		}
		s.Commands = append(s.Commands, cmd)
	}
	for _, a := range c.Attrs {
		s.Attrs = append(s.Attrs, schemas.Attr{Name: a.Name, Size: a.Size, Mode: a.Mode.String(), Help: a.Help})
	}
	for _, n := range c.Counters {
		s.Counters = append(s.Counters, schemas.Counter{Name: n.Name, Unit: n.Unit, Help: n.Help})
	}
	return s
}

func driverOf(d *port.Driver, doc string) schemas.Driver {
	return schemas.Driver{Name: d.Name, Prefix: d.Prefix, Help: d.Help, Doc: doc, Arg: nameOf(d.Arg)}
}

func hookOf(h *hook.Class, doc string) schemas.Hook {
	s := schemas.Hook{Name: h.Name, Prefix: h.Prefix, Help: h.Help, Doc: doc, Arg: nameOf(h.Arg), Priority: h.Priority}
	for _, d := range h.Commands {
		// Commands of hooks run while no worker runs the hook.
		s.Commands = append(s.Commands, schemas.Command{Name: d.Name, Help: d.Help, Arg: nameOf(d.Arg), Rule: module.Quiesced.String()})
	}
	return s
}
