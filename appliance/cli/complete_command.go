// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// completeModuleCommand completes NAME COMMAND key=.
func (a *app) completeModuleCommand() completer {
	return completeEach(
		func(ctx context.Context, _ []string) []string { return a.ask(ctx, moduleNames) },
		func(ctx context.Context, args []string) []string { return a.ask(ctx, commandsOf(args[0])) },
		func(ctx context.Context, args []string) []string {
			class := ""
			a.ask(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
				m, err := c.Module(ctx, args[0])
				class = m.GetMclass()
				return nil, err
			})
			if k := schemas.ClassByName(class); k != nil && k.Command(args[1]) != nil {
				return fieldKeys(schemas.Message(k.Command(args[1]).Arg))
			}
			return nil
		},
	)
}

// commandsOf lists the commands of a module.
func commandsOf(module string) lister {
	return func(ctx context.Context, c *client.Client) ([]string, error) {
		m, err := c.Module(ctx, module)
		if err != nil {
			return nil, err
		}
		class, err := c.Class(ctx, m.GetMclass())
		if err != nil {
			return nil, err
		}
		var names []string
		for _, n := range withInitialArg(commandNames(class.GetCmds(), nil)) {
			names = append(names, n.Name)
		}
		return names, nil
	}
}

// fieldKeys lists the fields of an argument as "key=".
func fieldKeys(msg protoreflect.MessageDescriptor) []string {
	var keys []string
	for i := 0; msg != nil && i < msg.Fields().Len(); i++ {
		fd := msg.Fields().Get(i)
		first, _, _ := strings.Cut(schemas.Comment(fd), "\n")
		keys = append(keys, string(fd.Name())+"=\t"+first)
	}
	return keys
}

// completeHookCommand completes HOOK MODULE in|out GATE COMMAND from the hooks
// there are.
func (a *app) completeHookCommand() completer {
	column := func(pick func(d hookData) string) func(context.Context, []string) []string {
		return func(ctx context.Context, args []string) []string {
			return a.ask(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
				return hookColumn(ctx, c, args, pick)
			})
		}
	}
	return completeEach(
		column(func(d hookData) string { return d.Name }),
		column(func(d hookData) string { return d.Module }),
		column(func(d hookData) string { return d.Direction }),
		column(func(d hookData) string { return fmt.Sprint(d.Gate) }),
		func(ctx context.Context, args []string) []string {
			return a.ask(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
				classes, err := hookColumn(ctx, c, args, func(d hookData) string { return d.Class })
				if err != nil || len(classes) == 0 {
					return nil, err
				}
				info, err := c.GateHookClass(ctx, classes[0])
				return info.GetCmds(), err
			})
		},
	)
}

// hookColumn lists, each once, what pick takes from the hooks that agree with
// the words given so far.
func hookColumn(ctx context.Context, c *client.Client, args []string, pick func(d hookData) string) ([]string, error) {
	hooks, err := c.GateHooks(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	seen := map[string]bool{}
	for _, h := range hooks {
		d := newHook(h)
		agrees := true
		for i, have := range []string{d.Name, d.Module, d.Direction, fmt.Sprint(d.Gate)} {
			agrees = agrees && (i >= len(args) || args[i] == have)
		}
		if v := pick(d); agrees && !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list, nil
}
