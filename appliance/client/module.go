// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// Module is a line of Modules.
type Module = api.ListModulesResponse_Module

// Modules returns the modules by name.
func (c *Client) Modules(ctx context.Context) ([]*Module, error) {
	resp, err := call(ctx, c, "list modules", "", c.bess.ListModules, none)
	return resp.GetModules(), err
}

// ModuleInfo is everything about one module.
type ModuleInfo = api.GetModuleInfoResponse

// Module describes one module: links, counters, metadata.
func (c *Client) Module(ctx context.Context, name string) (*ModuleInfo, error) {
	return call(ctx, c, "describe module", name, c.bess.GetModuleInfo, &api.GetModuleInfoRequest{Name: name})
}

// CreateModule makes a module and returns its name, which the daemon chooses
// if name is empty. A nil arg means the class's defaults.
func (c *Client) CreateModule(ctx context.Context, name, class string, arg *anypb.Any) (string, error) {
	object := name
	if object == "" {
		object = class
	}
	req := &api.CreateModuleRequest{Name: name, Mclass: class, Arg: arg}
	resp, err := call(ctx, c, "create module", object, c.bess.CreateModule, req)
	return resp.GetName(), err
}

// DestroyModule removes a module with its links and tasks.
func (c *Client) DestroyModule(ctx context.Context, name string) error {
	_, err := call(ctx, c, "destroy module", name, c.bess.DestroyModule, &api.DestroyModuleRequest{Name: name})
	return err
}

// ResetModules removes all modules.
func (c *Client) ResetModules(ctx context.Context) error {
	_, err := call(ctx, c, "reset modules", "", c.bess.ResetModules, none)
	return err
}

// Connect links an output gate to an input gate. IsBusy if the output gate is
// connected already.
func (c *Client) Connect(ctx context.Context, from string, ogate uint64, to string, igate uint64) error {
	req := &api.ConnectModulesRequest{M1: from, Ogate: ogate, M2: to, Igate: igate}
	_, err := call(ctx, c, "connect", fmt.Sprintf("%s:%d->%d:%s", from, ogate, igate, to), c.bess.ConnectModules, req)
	return err
}

// Disconnect cuts the link of an output gate.
func (c *Client) Disconnect(ctx context.Context, from string, ogate uint64) error {
	req := &api.DisconnectModulesRequest{Name: from, Ogate: ogate}
	_, err := call(ctx, c, "disconnect", fmt.Sprintf("%s:%d", from, ogate), c.bess.DisconnectModules, req)
	return err
}

// MoveLink leads a connected output gate to another input gate. No packet
// sees it unconnected. IsUnimplemented with the original daemon.
func (c *Client) MoveLink(ctx context.Context, from string, ogate uint64, to string, igate uint64) error {
	req := &declarepb.MoveLinkRequest{From: from, Ogate: ogate, To: to, Igate: igate}
	_, err := declare(ctx, c, "move link", fmt.Sprintf("%s:%d->%d:%s", from, ogate, igate, to), c.decl.MoveLink, req)
	return err
}

// Command runs a command of a module and returns its result, nil if it has
// none.
func (c *Client) Command(ctx context.Context, module, cmd string, arg *anypb.Any) (*anypb.Any, error) {
	req := &api.CommandRequest{Name: module, Cmd: cmd, Arg: arg}
	resp, err := call(ctx, c, "command "+cmd+" of module", module, c.bess.ModuleCommand, req)
	return resp.GetData(), err
}

// InitialArg returns the argument that the module was created with, or has
// been given by UpdateModule since, nil if there was none. The original daemon
// can only say what the module made of it.
func (c *Client) InitialArg(ctx context.Context, module string) (*anypb.Any, error) {
	resp, err := declare(ctx, c, "read argument of module", module, c.decl.ModuleArg, &declarepb.ModuleArgRequest{Name: module})
	if !IsUnimplemented(err) {
		return resp.GetArg(), err
	}
	data, err := c.Command(ctx, module, "get_initial_arg", nil)
	if err != nil || data.GetTypeUrl() == "" {
		return nil, err
	}
	return data, nil
}

// UpdateModule gives a module another creation argument, and returns how: in
// place, or by a new instance that takes over the links. IsUnimplemented with
// the original daemon.
func (c *Client) UpdateModule(ctx context.Context, name string, arg *anypb.Any) (string, error) {
	req := &declarepb.UpdateModuleRequest{Name: name, Arg: arg}
	resp, err := declare(ctx, c, "update module", name, c.decl.UpdateModule, req)
	return resp.GetHow(), err
}

// ModuleCounters returns the class's own counters. IsUnimplemented with the
// original daemon.
func (c *Client) ModuleCounters(ctx context.Context, name string) (*declarepb.ModuleCountersResponse, error) {
	return declare(ctx, c, "get counters of module", name, c.decl.ModuleCounters, &declarepb.ModuleCountersRequest{Name: name})
}

// PortNotes returns what a port's driver has to say about itself, such as the
// end of a recording. IsUnimplemented with the original daemon.
func (c *Client) PortNotes(ctx context.Context, name string) ([]string, error) {
	resp, err := declare(ctx, c, "get notes of port", name, c.decl.PortNotes, &declarepb.PortNotesRequest{Name: name})
	return resp.GetNotes(), err
}

// Classes returns the names of the module classes.
func (c *Client) Classes(ctx context.Context) ([]string, error) {
	resp, err := call(ctx, c, "list module classes", "", c.bess.ListMclass, none)
	return resp.GetNames(), err
}

// Class describes a module class.
func (c *Client) Class(ctx context.Context, name string) (*api.GetMclassInfoResponse, error) {
	return call(ctx, c, "describe module class", name, c.bess.GetMclassInfo, &api.GetMclassInfoRequest{Name: name})
}
