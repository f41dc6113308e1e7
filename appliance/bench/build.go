// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// missingError tells that a daemon lacks a class that a row needs.
type missingError struct{ class string }

func (e *missingError) Error() string { return "class " + e.class }

// parallel is how many commands are under way at once while a large table is
// filled.
const parallel = 16

// build makes the pipeline, paused, on a daemon that has none. Worker 0 runs on
// the first core, worker 1 on the second.
func build(ctx context.Context, c *client.Client, p *pipeline, cores []int) error {
	if p.err != nil {
		return p.err
	}
	if err := missing(ctx, c, p); err != nil {
		return err
	}
	for i, core := range cores {
		if err := c.AddWorker(ctx, int64(i), int64(core), ""); err != nil {
			return err
		}
	}
	if err := c.PauseAll(ctx); err != nil {
		return err
	}
	class := map[string]string{}
	for _, m := range p.modules {
		class[m.name] = m.class
		arg, err := message(schemas.ClassByName(m.class).Arg, m.args)
		if err != nil {
			return fmt.Errorf("module %s: %w", m.name, err)
		}
		if _, err := c.CreateModule(ctx, m.name, m.class, arg); err != nil {
			return err
		}
	}
	for _, l := range p.links {
		if err := c.Connect(ctx, l.from, l.ogate, l.to, l.igate); err != nil {
			return err
		}
	}
	if err := place(ctx, c, p); err != nil {
		return err
	}
	return fill(ctx, c, p, class)
}

// missing looks for a class that this program or the daemon does not know.
func missing(ctx context.Context, c *client.Client, p *pipeline) error {
	names, err := c.Classes(ctx)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, n := range names {
		has[n] = true
	}
	for _, m := range p.modules {
		if schemas.ClassByName(m.class) == nil || !has[m.class] {
			return &missingError{m.class}
		}
	}
	return nil
}

// place puts each task on its worker.
func place(ctx context.Context, c *client.Client, p *pipeline) error {
	for _, m := range p.tasks() {
		wid := int64(0)
		for _, s := range p.second {
			if s == m {
				wid = 1
			}
		}
		if err := c.UpdateTCParent(ctx, &api.TrafficClass{LeafModuleName: m, Wid: wid}); err != nil {
			return err
		}
	}
	return nil
}

// tasks are the modules that have a task.
func (p *pipeline) tasks() (names []string) {
	for _, m := range p.modules {
		if c := schemas.ClassByName(m.class); c != nil && c.Task {
			names = append(names, m.name)
		}
	}
	return names
}

// sources are the modules that make packets.
func (p *pipeline) sources() (names []string) {
	for _, m := range p.modules {
		if c := schemas.ClassByName(m.class); c != nil && c.Task && c.IGates == 0 {
			names = append(names, m.name)
		}
	}
	return names
}

// fill gives the commands, those to one module several at a time: the order
// of rules does not matter in any row.
func fill(ctx context.Context, c *client.Client, p *pipeline, class map[string]string) error {
	work := make(chan commandSpec)
	var wg sync.WaitGroup
	errs := make([]error, parallel)
	for i := range parallel {
		wg.Go(func() {
			for cmd := range work {
				if errs[i] == nil {
					errs[i] = give(ctx, c, cmd, class[cmd.module])
				}
			}
		})
	}
	for _, cmd := range p.commands {
		work <- cmd
	}
	close(work)
	wg.Wait()
	return errors.Join(errs...)
}

func give(ctx context.Context, c *client.Client, cmd commandSpec, class string) error {
	desc := schemas.ClassByName(class).Command(cmd.cmd)
	if desc == nil {
		return fmt.Errorf("class %s has no command %s", class, cmd.cmd)
	}
	arg, err := message(desc.Arg, cmd.args)
	if err != nil {
		return fmt.Errorf("module %s: command %s: %w", cmd.module, cmd.cmd, err)
	}
	_, err = c.Command(ctx, cmd.module, cmd.cmd, arg)
	return err
}

// message makes an argument.
func message(name protoreflect.FullName, v map[string]any) (*anypb.Any, error) {
	var value any
	if v != nil {
		value = v
	}
	m, finds := args.Decode(schemas.Message(name), value, args.Options{})
	if len(finds) > 0 {
		return nil, errors.New(args.Text(finds))
	}
	any, err := anypb.New(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", proto.MessageName(m), err)
	}
	return any, nil
}

// decode reads an answer by the schemas.
func decode(a *anypb.Any) (protoreflect.Message, error) {
	m, err := anypb.UnmarshalNew(a, proto.UnmarshalOptions{Resolver: schemas.Types()})
	if err != nil {
		return nil, fmt.Errorf("answer %s: %w", a.GetTypeUrl(), err)
	}
	return m.ProtoReflect(), nil
}
