// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// ListMclass answers the names of the module classes.
func (s *Server) ListMclass(context.Context, *api.EmptyRequest) (*api.ListMclassResponse, error) {
	return &api.ListMclassResponse{Names: s.engine.Classes()}, nil
}

// GetMclassInfo describes one module class.
func (s *Server) GetMclassInfo(_ context.Context, r *api.GetMclassInfoRequest) (*api.GetMclassInfoResponse, error) {
	c, err := s.engine.Class(r.GetName())
	if err != nil {
		return &api.GetMclassInfoResponse{Error: toError(err)}, nil
	}
	resp := &api.GetMclassInfoResponse{Name: c.Name, Help: c.Help}
	for _, cmd := range c.Commands {
		resp.Cmds = append(resp.Cmds, cmd.Name)
		resp.CmdArgs = append(resp.CmdArgs, shortName(cmd.Arg))
	}
	return resp, nil
}

// ResetModules destroys all modules.
func (s *Server) ResetModules(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	s.engine.ResetModules()
	return empty(nil)
}

// ListModules answers all modules.
func (s *Server) ListModules(context.Context, *api.EmptyRequest) (*api.ListModulesResponse, error) {
	resp := &api.ListModulesResponse{}
	for _, m := range s.engine.ListModules() {
		resp.Modules = append(resp.Modules, &api.ListModulesResponse_Module{Name: m.Name, Mclass: m.Class, Desc: m.Desc})
	}
	return resp, nil
}

// CreateModule creates a module.
func (s *Server) CreateModule(_ context.Context, r *api.CreateModuleRequest) (*api.CreateModuleResponse, error) {
	name, err := s.engine.CreateModule(r.GetName(), r.GetMclass(), r.GetArg())
	return &api.CreateModuleResponse{Name: name, Error: toError(err)}, nil
}

// DestroyModule removes a module.
func (s *Server) DestroyModule(_ context.Context, r *api.DestroyModuleRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.DestroyModule(r.GetName()))
}

// GetModuleInfo answers everything about one module.
func (s *Server) GetModuleInfo(_ context.Context, r *api.GetModuleInfoRequest) (*api.GetModuleInfoResponse, error) {
	info, err := s.engine.ModuleInfo(r.GetName())
	if err != nil {
		return &api.GetModuleInfoResponse{Error: toError(err)}, nil
	}
	resp := &api.GetModuleInfoResponse{Name: info.Name, Mclass: info.Class, Desc: info.Desc, Deadends: info.Deadends}
	at := now()
	for _, in := range info.Inputs {
		resp.Igates = append(resp.Igates, igate(in, at))
	}
	for _, o := range info.Outputs {
		resp.Ogates = append(resp.Ogates, ogate(o, at))
	}
	for _, a := range info.Attrs {
		resp.Metadata = append(resp.Metadata, &api.GetModuleInfoResponse_Attribute{
			Name: a.Name, Size: uint64(a.Size), Mode: a.Mode.String(), Offset: int64(a.Offset)})
	}
	return resp, nil
}

func igate(in engine.InputInfo, at float64) *api.GetModuleInfoResponse_IGate {
	g := &api.GetModuleInfoResponse_IGate{Igate: uint64(in.Gate), Gatehooks: gatehooks(in.Hooks)}
	for _, f := range in.Feeders {
		g.Ogates = append(g.Ogates, &api.GetModuleInfoResponse_IGate_OGate{Ogate: uint64(f.Gate), Name: f.Module})
	}
	if in.Counts != nil {
		g.Cnt, g.Pkts, g.Bytes, g.Timestamp = in.Counts.Batches, in.Counts.Packets, in.Counts.Bytes, at
	}
	return g
}

func ogate(o engine.OutputInfo, at float64) *api.GetModuleInfoResponse_OGate {
	g := &api.GetModuleInfoResponse_OGate{Ogate: uint64(o.Gate), Name: o.Peer.Module, Igate: uint64(o.Peer.Gate), Gatehooks: gatehooks(o.Hooks)}
	if o.Counts != nil {
		g.Cnt, g.Pkts, g.Bytes, g.Timestamp = o.Counts.Batches, o.Counts.Packets, o.Counts.Bytes, at
	}
	return g
}

func gatehooks(hs []engine.HookName) []*api.GetModuleInfoResponse_GateHook {
	var list []*api.GetModuleInfoResponse_GateHook
	for _, h := range hs {
		list = append(list, &api.GetModuleInfoResponse_GateHook{ClassName: h.Class, HookName: h.Name})
	}
	return list
}

// ConnectModules links two gates.
func (s *Server) ConnectModules(_ context.Context, r *api.ConnectModulesRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.Connect(r.GetM1(), r.GetOgate(), r.GetM2(), r.GetIgate(), r.GetSkipDefaultHooks()))
}

// DisconnectModules cuts the link of an output gate.
func (s *Server) DisconnectModules(_ context.Context, r *api.DisconnectModulesRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.Disconnect(r.GetName(), r.GetOgate()))
}

// ModuleCommand runs a command of a module.
func (s *Server) ModuleCommand(_ context.Context, r *api.CommandRequest) (*api.CommandResponse, error) {
	return commandResponse(s.engine.Command(r.GetName(), r.GetCmd(), r.GetArg()))
}
