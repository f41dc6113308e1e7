// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package server is the gRPC face of the engine: the service
// bess.pb.BESSControl, wire-compatible with BESS (spec: api.md). Each method
// decodes, calls the engine and encodes; errors travel inside the response
// and the gRPC status stays OK. One file per noun, named as in the engine.
package server

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// Server implements bess.pb.BESSControl.
type Server struct {
	api.UnimplementedBESSControlServer
	engine  *engine.Engine
	version string
	kill    func()
}

// New returns the service for an engine. version is what GetVersion answers;
// kill is called once, after the answer, when a client asks the daemon to
// end.
func New(e *engine.Engine, version string, kill func()) *Server {
	return &Server{engine: e, version: version, kill: kill}
}

// Register puts the service, gRPC health and reflection on a gRPC server and
// returns the health service, already serving.
func (s *Server) Register(g *grpc.Server) *health.Server {
	api.RegisterBESSControlServer(g, s)
	h := health.NewServer()
	h.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	h.SetServingStatus(api.BESSControl_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	return h
}
