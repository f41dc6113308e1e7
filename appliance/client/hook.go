// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// GateHooks returns the hooks at all gates.
func (c *Client) GateHooks(ctx context.Context) ([]*api.GateHookInfo, error) {
	resp, err := call(ctx, c, "list gate hooks", "", c.bess.ListGateHooks, none)
	return resp.GetHooks(), err
}

// ConfigureGateHook puts a hook on gates or takes it away, and returns its
// name if it concerns one gate.
func (c *Client) ConfigureGateHook(ctx context.Context, hook *api.GateHookInfo, enable bool) (string, error) {
	req := &api.ConfigureGateHookRequest{Hook: hook, Enable: enable}
	resp, err := call(ctx, c, "configure gate hook", hook.GetClassName(), c.bess.ConfigureGateHook, req)
	return resp.GetName(), err
}

// GateHookCommand runs a command of a hook and returns its result, nil if it
// has none.
func (c *Client) GateHookCommand(ctx context.Context, hook *api.GateHookInfo, cmd string) (*anypb.Any, error) {
	req := &api.GateHookCommandRequest{Hook: hook, Cmd: cmd}
	resp, err := call(ctx, c, "command "+cmd+" of gate hook", hook.GetHookName(), c.bess.GateHookCommand, req)
	return resp.GetData(), err
}

// GateHookClasses returns the names of the classes of gate hooks.
func (c *Client) GateHookClasses(ctx context.Context) ([]string, error) {
	resp, err := call(ctx, c, "list gate hook classes", "", c.bess.ListGateHookClass, none)
	return resp.GetNames(), err
}

// GateHookClass describes a class of gate hooks.
func (c *Client) GateHookClass(ctx context.Context, name string) (*api.GetGateHookClassInfoResponse, error) {
	return call(ctx, c, "describe gate hook class", name, c.bess.GetGateHookClassInfo, &api.GetGateHookClassInfoRequest{Name: name})
}
