// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// ListGateHookClass answers the names of the gate hook classes.
func (s *Server) ListGateHookClass(context.Context, *api.EmptyRequest) (*api.ListGateHookClassResponse, error) {
	return &api.ListGateHookClassResponse{Names: s.engine.Hooks()}, nil
}

// GetGateHookClassInfo describes one gate hook class.
func (s *Server) GetGateHookClassInfo(_ context.Context, r *api.GetGateHookClassInfoRequest) (*api.GetGateHookClassInfoResponse, error) {
	c, err := s.engine.HookClass(r.GetName())
	if err != nil {
		return &api.GetGateHookClassInfoResponse{Error: toError(err)}, nil
	}
	resp := &api.GetGateHookClassInfoResponse{Name: c.Name, Help: c.Help}
	for _, cmd := range c.Commands {
		resp.Cmds = append(resp.Cmds, cmd.Name)
		resp.CmdArgs = append(resp.CmdArgs, shortName(cmd.Arg))
	}
	return resp, nil
}

// hookSpec decodes which gates a request means; none means output gate 0.
func hookSpec(h *api.GateHookInfo) engine.HookSpec {
	s := engine.HookSpec{Class: h.GetClassName(), Name: h.GetHookName(), Module: h.GetModuleName(), Arg: h.GetArg()}
	switch g := h.GetGate().(type) {
	case *api.GateHookInfo_Igate:
		s.Input, s.Gate = true, g.Igate
	case *api.GateHookInfo_Ogate:
		s.Gate = g.Ogate
	}
	return s
}

// ConfigureGateHook attaches or removes a hook.
func (s *Server) ConfigureGateHook(_ context.Context, r *api.ConfigureGateHookRequest) (*api.ConfigureGateHookResponse, error) {
	name, err := s.engine.ConfigureHook(hookSpec(r.GetHook()), r.GetEnable())
	return &api.ConfigureGateHookResponse{Name: name, Error: toError(err)}, nil
}

// ListGateHooks answers all attached hooks.
func (s *Server) ListGateHooks(context.Context, *api.EmptyRequest) (*api.ListGateHooksResponse, error) {
	resp := &api.ListGateHooksResponse{}
	for _, h := range s.engine.ListHooks() {
		info := &api.GateHookInfo{ClassName: h.Class, HookName: h.Name, ModuleName: h.Module, Arg: h.Arg}
		if h.Input {
			info.Gate = &api.GateHookInfo_Igate{Igate: int64(h.Gate)}
		} else {
			info.Gate = &api.GateHookInfo_Ogate{Ogate: int64(h.Gate)}
		}
		resp.Hooks = append(resp.Hooks, info)
	}
	return resp, nil
}

// GateHookCommand runs a command of a hook.
func (s *Server) GateHookCommand(_ context.Context, r *api.GateHookCommandRequest) (*api.CommandResponse, error) {
	return commandResponse(s.engine.HookCommand(hookSpec(r.GetHook()), r.GetCmd()))
}
