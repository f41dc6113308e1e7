// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// PauseAll stops all workers.
func (s *Server) PauseAll(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	s.engine.PauseAll()
	return empty(nil)
}

// PauseWorker stops one worker.
func (s *Server) PauseWorker(_ context.Context, r *api.PauseWorkerRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.PauseWorker(r.GetWid()))
}

// ResumeAll starts all workers.
func (s *Server) ResumeAll(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	s.engine.ResumeAll()
	return empty(nil)
}

// ResumeWorker starts one worker.
func (s *Server) ResumeWorker(_ context.Context, r *api.ResumeWorkerRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.ResumeWorker(r.GetWid()))
}

// ResetWorkers ends all workers.
func (s *Server) ResetWorkers(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	s.engine.ResetWorkers()
	return empty(nil)
}

// ListWorkers answers all workers.
func (s *Server) ListWorkers(context.Context, *api.EmptyRequest) (*api.ListWorkersResponse, error) {
	resp := &api.ListWorkersResponse{}
	for _, w := range s.engine.ListWorkers() {
		resp.WorkersStatus = append(resp.WorkersStatus, &api.ListWorkersResponse_WorkerStatus{
			Wid: int64(w.ID), Core: int64(w.Core), Running: w.Running, NumTcs: int64(w.NumTCs),
			SilentDrops: int64(w.SilentDrops),
		})
	}
	return resp, nil
}

// AddWorker creates a worker.
func (s *Server) AddWorker(_ context.Context, r *api.AddWorkerRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.AddWorker(r.GetWid(), r.GetCore(), r.GetScheduler()))
}

// DestroyWorker ends a worker.
func (s *Server) DestroyWorker(_ context.Context, r *api.DestroyWorkerRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.DestroyWorker(r.GetWid()))
}

// CheckSchedulingConstraints answers what is wrong with the placement of
// modules on workers.
func (s *Server) CheckSchedulingConstraints(context.Context, *api.EmptyRequest) (*api.CheckSchedulingConstraintsResponse, error) {
	c := s.engine.CheckConstraints()
	resp := &api.CheckSchedulingConstraintsResponse{Fatal: c.Fatal}
	for _, v := range c.Violations {
		resp.Violations = append(resp.Violations, &api.CheckSchedulingConstraintsResponse_ViolatingClass{
			Name: v.TC, Constraint: int32(v.NodeMask), AssignedNode: int32(v.Node), AssignedCore: int32(v.Core),
		})
	}
	for _, name := range c.Modules {
		resp.Modules = append(resp.Modules, &api.CheckSchedulingConstraintsResponse_ViolatingModule{Name: name})
	}
	return resp, nil
}
