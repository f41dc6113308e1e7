// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// initialArg is the command that every module has.
const initialArg = "get_initial_arg"

func commandCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "command",
		Short: "Run a command of a module or hook",
		Args:  cobra.ArbitraryArgs,
		RunE:  noVerb,
	}
	cmd.AddCommand(commandModule(a), commandHook(a))
	return cmd
}

func commandModule(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "module NAME COMMAND [ARG]",
		Short: "Run a command of a module",
		Long: "Runs a command of a module and prints its answer as YAML, or as JSON with -o\njson. Every module has get_initial_arg, the argument it was created with.\n\n" +
			argumentHelp,
		Example: "  bessctl command module fw add '{rules: [{src_ip: 10.0.0.0/8, drop: true}]}'\n" +
			"  bessctl command module src set_burst burst=32\n" +
			"  bessctl command module fw get_initial_arg -o json",
		Args:              words("NAME", "COMMAND"),
		ValidArgsFunction: a.completeModuleCommand(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(func(c *client.Client) error {
				return a.runModuleCommand(cmd.Context(), c, args[0], args[1], args[2:])
			})
		},
	}
}

// words checks that the words named are there.
func words(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s%s is missing; usage: %s", verb(cmd), names[len(args)], cmd.UseLine())
		}
		return nil
	}
}

func (a *app) runModuleCommand(ctx context.Context, c *client.Client, name, cmd string, text []string) error {
	m, err := c.Module(ctx, name)
	if err != nil {
		all, _ := moduleNames(ctx, c) // for the hint only
		return better(err, name, all)
	}
	var arg *anypb.Any
	if cmd == initialArg {
		if len(text) > 0 {
			return fmt.Errorf("command %s takes no argument", cmd)
		}
	} else {
		class, err := c.Class(ctx, m.GetMclass())
		if err != nil {
			return err
		}
		own := withInitialArg(commandNames(class.GetCmds(), class.GetCmdArgs()))
		if arg, err = a.commandArgument(m.GetMclass(), cmd, own, text); err != nil {
			return err
		}
	}
	answer, err := c.Command(ctx, name, cmd, arg)
	if err != nil {
		return err
	}
	return a.emitAnswer(answer, cmd != initialArg)
}

func commandNames(cmds, args []string) []commandName {
	list := make([]commandName, len(cmds))
	for i := range cmds {
		list[i].Name = cmds[i]
		if i < len(args) {
			list[i].Arg = args[i]
		}
	}
	return list
}

// withInitialArg adds the command that only some classes list.
func withInitialArg(list []commandName) []commandName {
	for _, n := range list {
		if n.Name == initialArg {
			return list
		}
	}
	return append(list, commandName{initialArg, "EmptyArg"})
}

// commandArgument reads the argument of a command of a class that has the
// commands listed.
func (a *app) commandArgument(class, cmd string, list []commandName, text []string) (*anypb.Any, error) {
	names := make([]string, len(list))
	for i, n := range list {
		names[i] = n.Name
		if n.Name != cmd {
			continue
		}
		if len(text) == 0 {
			return nil, nil
		}
		desc := argumentMessage(n.Arg)
		if desc == nil {
			return nil, fmt.Errorf("command %s of %s: its argument %s is not known to this bessctl", cmd, class, n.Arg)
		}
		arg, err := parseArgument(desc, text, a.In)
		if err != nil {
			return nil, fmt.Errorf("command %s of %s: %w", cmd, class, err)
		}
		return arg, nil
	}
	return nil, fmt.Errorf("%s has no command %q%s", class, cmd, commandHint(cmd, names))
}

// commandHint lists the commands there are, after the one that was meant.
func commandHint(cmd string, names []string) string {
	if len(names) == 0 {
		return "; it has none"
	}
	text := "; its commands are " + strings.Join(names, ", ")
	if meant := hint(cmd, names); strings.Contains(meant, "did you mean") {
		text = meant + text
	}
	return text
}

// argumentMessage finds a message by its name without package.
func argumentMessage(short string) protoreflect.MessageDescriptor {
	for _, pkg := range []string{"bess.pb.", "sample.supdate.pb."} {
		if m := schemas.Message(protoreflect.FullName(pkg + short)); m != nil {
			return m
		}
	}
	return nil
}

// emitAnswer prints what a command answered; nothing if it answers nothing.
func (a *app) emitAnswer(answer *anypb.Any, zeros bool) error {
	v, err := unpack(answer, zeros)
	if err != nil {
		return err
	}
	if a.output == asTable && v == nil {
		return nil
	}
	var failed error
	err = a.emit(v, func(w io.Writer) { failed = writeYAML(w, v) })
	if failed != nil {
		return failed
	}
	return err
}

func commandHook(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "hook HOOK MODULE in|out GATE COMMAND [ARG]",
		Short:             "Run a command of a hook at a gate",
		Long:              "Runs a command of a hook at a gate of a module and prints its answer.\n\n" + argumentHelp,
		Example:           "  bessctl command hook track0 fw out 0 reset",
		Args:              words("HOOK", "MODULE", "in|out", "GATE", "COMMAND"),
		ValidArgsFunction: a.completeHookCommand(),
		RunE: func(cmd *cobra.Command, args []string) error {
			where, err := hookAt(args)
			if err != nil {
				return err
			}
			return a.with(func(c *client.Client) error {
				return a.runHookCommand(cmd.Context(), c, where, args[4], args[5:])
			})
		},
	}
}

// hookAt reads HOOK MODULE in|out GATE.
func hookAt(args []string) (*api.GateHookInfo, error) {
	h := &api.GateHookInfo{HookName: args[0], ModuleName: args[1]}
	gate, err := strconv.ParseUint(args[3], 10, 16)
	if err != nil {
		return nil, fmt.Errorf("gate %q: must be a number 0..8191", args[3])
	}
	switch args[2] {
	case "in":
		h.Gate = &api.GateHookInfo_Igate{Igate: int64(gate)}
	case "out":
		h.Gate = &api.GateHookInfo_Ogate{Ogate: int64(gate)}
	default:
		return nil, fmt.Errorf("direction %q: must be in or out", args[2])
	}
	return h, nil
}

func (a *app) runHookCommand(ctx context.Context, c *client.Client, where *api.GateHookInfo, cmd string, text []string) error {
	all, err := c.GateHooks(ctx)
	if err != nil {
		return err
	}
	at := newHook(where)
	var here []string
	for _, h := range all {
		d := newHook(h)
		if d.Module != at.Module || d.Direction != at.Direction || d.Gate != at.Gate {
			continue
		}
		here = append(here, d.Name)
		if d.Name == at.Name {
			where.ClassName = d.Class
		}
	}
	if where.GetClassName() == "" {
		return fmt.Errorf("%s gate %d of module %q has no hook %q%s", at.Direction, at.Gate, at.Module, at.Name, hint(at.Name, here))
	}
	class, err := c.GateHookClass(ctx, where.GetClassName())
	if err != nil {
		return err
	}
	if where.Arg, err = a.commandArgument(class.GetName(), cmd, commandNames(class.GetCmds(), class.GetCmdArgs()), text); err != nil {
		return err
	}
	answer, err := c.GateHookCommand(ctx, where, cmd)
	if err != nil {
		return err
	}
	return a.emitAnswer(answer, true)
}
