// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// tcSpec decodes a traffic class; fields that were not given stay nil.
func tcSpec(c *api.TrafficClass) engine.TCSpec {
	s := engine.TCSpec{Name: c.GetName(), Policy: c.GetPolicy(), Resource: c.GetResource(), Parent: c.GetParent(),
		Worker: c.GetWid(), Limit: c.GetLimit(), MaxBurst: c.GetMaxBurst(),
		LeafModule: c.GetLeafModuleName(), LeafTask: c.GetLeafModuleTaskid()}
	switch a := c.GetArg().(type) {
	case *api.TrafficClass_Priority:
		s.Priority = &a.Priority
	case *api.TrafficClass_Share:
		s.Share = &a.Share
	}
	return s
}

// AddTc creates a traffic class.
func (s *Server) AddTc(_ context.Context, r *api.AddTcRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.AddTC(tcSpec(r.GetClass())))
}

// UpdateTcParams changes the parameters of a traffic class.
func (s *Server) UpdateTcParams(_ context.Context, r *api.UpdateTcParamsRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.UpdateTCParams(tcSpec(r.GetClass())))
}

// UpdateTcParent moves a task or an orphan class.
func (s *Server) UpdateTcParent(_ context.Context, r *api.UpdateTcParentRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.UpdateTCParent(tcSpec(r.GetClass())))
}

// ResetTcs removes all inner traffic classes.
func (s *Server) ResetTcs(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.ResetTCs())
}

// GetTcStats answers the totals of a traffic class.
func (s *Server) GetTcStats(_ context.Context, r *api.GetTcStatsRequest) (*api.GetTcStatsResponse, error) {
	st, err := s.engine.TCStats(r.GetName())
	if err != nil {
		return &api.GetTcStatsResponse{Error: toError(err)}, nil
	}
	return &api.GetTcStatsResponse{Timestamp: now(), Count: st.Count, Cycles: st.Cycles, Packets: st.Packets, Bits: st.Bits}, nil
}

// ListTcs answers the traffic classes of one worker or of all.
func (s *Server) ListTcs(_ context.Context, r *api.ListTcsRequest) (*api.ListTcsResponse, error) {
	list, err := s.engine.ListTCs(r.GetWid())
	resp := &api.ListTcsResponse{Error: toError(err)}
	for _, i := range list {
		resp.ClassesStatus = append(resp.ClassesStatus, &api.ListTcsResponse_TrafficClassStatus{Parent: i.Parent, Class: trafficClass(i)})
	}
	return resp, nil
}

func trafficClass(i engine.TCInfo) *api.TrafficClass {
	c := &api.TrafficClass{Name: i.Name, Blocked: i.Blocked, Policy: i.Policy, Wid: int64(i.Worker),
		LeafModuleName: i.LeafModule, LeafModuleTaskid: uint64(i.LeafTask)}
	if i.Limit == 0 {
		c.Resource = i.Resource // of a weighted_fair class; the original leaves it out
	}
	switch {
	case i.Priority != nil:
		c.Arg = &api.TrafficClass_Priority{Priority: int64(*i.Priority)}
	case i.Share != nil:
		c.Arg = &api.TrafficClass_Share{Share: int64(*i.Share)}
	}
	if i.Limit != 0 {
		c.Limit = map[string]int64{i.Resource: int64(i.Limit)}
		c.MaxBurst = map[string]int64{i.Resource: int64(i.MaxBurst)}
	}
	return c
}
