// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// classData is a module class as the daemon describes it.
type classData struct {
	Name     string        `json:"name"`
	Help     string        `json:"help"`
	Commands []commandName `json:"commands"`
}

type commandName struct {
	Name string `json:"name"`
	// Arg is the argument's message, without package.
	Arg string `json:"arg"`
}

func showMclassCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "mclass [CLASS…]",
		Aliases: []string{"class"},
		Short:   "Show the module classes that the daemon has",
		Long: "Shows the module classes that the daemon has; with names their commands, too.\nexplain has the manual.\n\n" +
			"JSON: a list of name, help, commands (name, arg).",
		ValidArgsFunction: a.complete(classNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw := func(w io.Writer, list []classData) { drawClasses(w, list, len(args) > 0) }
			return view(a, readClasses, draw)(cmd, args)
		},
	}
}

func classNames(ctx context.Context, c *client.Client) ([]string, error) { return c.Classes(ctx) }

func driverNames(ctx context.Context, c *client.Client) ([]string, error) { return c.Drivers(ctx) }

// readClasses reads the named classes, or all.
func readClasses(ctx context.Context, c *client.Client, names []string) ([]classData, error) {
	all, err := c.Classes(ctx)
	if err != nil {
		return nil, err
	}
	list := []classData{}
	for _, name := range pick(names, all) {
		info, err := c.Class(ctx, name)
		if err != nil {
			return nil, better(err, name, all)
		}
		list = append(list, classData{info.GetName(), info.GetHelp(), commandNames(info.GetCmds(), info.GetCmdArgs())})
	}
	return list, nil
}

func drawClasses(w io.Writer, list []classData, commands bool) {
	t := newTable("CLASS", "PURPOSE")
	for _, d := range list {
		t.row(d.Name, d.Help)
		for _, c := range d.Commands {
			if commands {
				t.row("", fmt.Sprintf("  %s(%s)", c.Name, c.Arg))
			}
		}
	}
	t.write(w, "")
}

// driverData is a port driver as the daemon describes it.
type driverData struct {
	Name string `json:"name"`
	Help string `json:"help"`
}

func showDriverCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "driver [DRIVER…]",
		Aliases:           []string{"drivers"},
		Short:             "Show the port drivers that the daemon has",
		Long:              "Shows the port drivers that the daemon has. explain has the manual.\n\nJSON: a list of name, help.",
		ValidArgsFunction: a.complete(driverNames),
		RunE:              view(a, readDrivers, drawDrivers),
	}
}

// readDrivers reads the named drivers, or all.
func readDrivers(ctx context.Context, c *client.Client, names []string) ([]driverData, error) {
	all, err := c.Drivers(ctx)
	if err != nil {
		return nil, err
	}
	list := []driverData{}
	for _, name := range pick(names, all) {
		info, err := c.Driver(ctx, name)
		if err != nil {
			return nil, better(err, name, all)
		}
		list = append(list, driverData{info.GetName(), info.GetHelp()})
	}
	return list, nil
}

func drawDrivers(w io.Writer, list []driverData) {
	t := newTable("DRIVER", "PURPOSE")
	for _, d := range list {
		t.row(d.Name, d.Help)
	}
	t.write(w, "")
}
