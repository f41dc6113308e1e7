// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Register adds the service bess.declare.v1.Pipelines to a server. k keeps what
// is applied; nil if nothing is kept. by names who makes a call; it may be nil.
func Register(g *grpc.Server, e *engine.Engine, cat Catalog, k Keeper, by func(context.Context) string) {
	declarepb.RegisterPipelinesServer(g, &service{engine: e, cat: onThisMachine(cat), keeper: k, by: by})
}

// service is the gRPC face of this package and of what BESSControl cannot
// say. Its methods may be called by many clients at once.
type service struct {
	declarepb.UnimplementedPipelinesServer
	engine *engine.Engine
	cat    Catalog
	keeper Keeper                       // nil: nothing is kept
	by     func(context.Context) string // nil: nobody knows
}

// Export answers what runs.
func (s *service) Export(context.Context, *declarepb.ExportRequest) (*declarepb.ExportResponse, error) {
	state := s.engine.State()
	p, err := FromState(state, s.cat)
	if err != nil {
		return nil, toStatus(err)
	}
	text, err := p.YAML()
	if err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.ExportResponse{Yaml: string(text), Generation: state.Generation}, nil
}

// Validate answers the findings, errors too, as a success.
func (s *service) Validate(_ context.Context, r *declarepb.ValidateRequest) (*declarepb.ValidateResponse, error) {
	_, found := Validate(documents(r.GetDocuments()), s.cat)
	return &declarepb.ValidateResponse{Findings: findings(found)}, nil
}

// Plan answers what Apply would do. With errors among the findings there are
// no actions.
func (s *service) Plan(_ context.Context, r *declarepb.PlanRequest) (*declarepb.PlanResponse, error) {
	p, found := Validate(documents(r.GetDocuments()), s.cat)
	resp := &declarepb.PlanResponse{Findings: findings(found)}
	if HasErrors(found) {
		resp.Generation = s.engine.Generation()
		return resp, nil
	}
	plan, generation, err := PlanFor(s.engine, p, s.cat)
	if err != nil {
		return nil, toStatus(err)
	}
	resp.Actions, resp.Generation = actions(plan.Actions), generation
	return resp, nil
}

// Apply makes the pipeline what is declared.
func (s *service) Apply(ctx context.Context, r *declarepb.ApplyRequest) (*declarepb.ApplyResponse, error) {
	p, found := Validate(documents(r.GetDocuments()), s.cat)
	if HasErrors(found) {
		return nil, toStatus(&InvalidError{found})
	}
	opt := options{generation: r.GetGeneration(), keeper: s.keeper, by: s.caller(ctx), origin: FromApply}
	res, err := apply(s.engine, p, s.cat, opt)
	if err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.ApplyResponse{Findings: findings(append(found, res.Findings...)), Actions: actions(res.Actions), Generation: res.Generation}, nil
}

// UpdateModule gives one module a new argument.
func (s *service) UpdateModule(_ context.Context, r *declarepb.UpdateModuleRequest) (*declarepb.UpdateModuleResponse, error) {
	how, err := s.engine.UpdateModule(r.GetName(), r.GetArg())
	if err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.UpdateModuleResponse{How: how.String()}, nil
}

// ModuleArg answers the argument of one module.
func (s *service) ModuleArg(_ context.Context, r *declarepb.ModuleArgRequest) (*declarepb.ModuleArgResponse, error) {
	arg, err := s.engine.ModuleArg(r.GetName())
	if err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.ModuleArgResponse{Arg: arg}, nil
}

// ModuleCounters answers the counters of one module's class.
func (s *service) ModuleCounters(_ context.Context, r *declarepb.ModuleCountersRequest) (*declarepb.ModuleCountersResponse, error) {
	c, err := s.engine.ModuleCounters(r.GetName())
	if err != nil {
		return nil, toStatus(err)
	}
	resp := &declarepb.ModuleCountersResponse{RulePackets: c.Rules, Panics: c.Panics}
	for i, d := range c.Docs {
		resp.Counters = append(resp.Counters, &declarepb.Counter{Name: d.Name, Unit: d.Unit, Value: c.Values[i], Help: d.Help})
	}
	return resp, nil
}

// PortNotes answers what a port's driver has to say about itself.
func (s *service) PortNotes(_ context.Context, r *declarepb.PortNotesRequest) (*declarepb.PortNotesResponse, error) {
	p := s.engine.Port(r.GetName())
	if p == nil {
		return nil, toStatus(errno.Errorf(errno.ENOENT, "No port '%s' found", r.GetName()))
	}
	return &declarepb.PortNotesResponse{Notes: p.Notes()}, nil
}

// MoveLink leads a connected output gate to another input gate.
func (s *service) MoveLink(_ context.Context, r *declarepb.MoveLinkRequest) (*declarepb.MoveLinkResponse, error) {
	if err := s.engine.MoveLink(r.GetFrom(), r.GetOgate(), r.GetTo(), r.GetIgate()); err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.MoveLinkResponse{}, nil
}

// DeleteTc removes one traffic class.
func (s *service) DeleteTc(_ context.Context, r *declarepb.DeleteTcRequest) (*declarepb.DeleteTcResponse, error) {
	if err := s.engine.DeleteTC(r.GetName()); err != nil {
		return nil, toStatus(err)
	}
	return &declarepb.DeleteTcResponse{}, nil
}

func documents(list []*declarepb.Document) []Document {
	docs := make([]Document, len(list))
	for i, d := range list {
		vars := d.GetVariables()
		docs[i] = Document{Name: d.GetName(), Text: []byte(d.GetText()),
			Env: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }}
	}
	return docs
}

func findings(list []Finding) []*declarepb.Finding {
	out := make([]*declarepb.Finding, len(list))
	for i, f := range list {
		out[i] = &declarepb.Finding{Severity: string(f.Severity), Position: f.Pos.String(), Object: f.Object,
			Field: f.Field, Message: f.Message, Hint: f.Hint}
	}
	return out
}

func actions(list []Action) []*declarepb.Action {
	out := make([]*declarepb.Action, len(list))
	for i, a := range list {
		out[i] = &declarepb.Action{Verb: a.Verb, Object: a.Object, Disruption: a.Disruption, Detail: a.Detail}
	}
	return out
}

// byErrno are the statuses of the engine's errors.
var byErrno = map[int]codes.Code{
	errno.EINVAL: codes.InvalidArgument,
	errno.ENOENT: codes.NotFound,
	errno.EPERM:  codes.InvalidArgument,
}

// toStatus turns an error into what declare.proto promises.
func toStatus(err error) error {
	var invalid *InvalidError
	var refused *RefusedError
	var stale *StaleError
	var notKept *NotKeptError
	var missing *MissingError
	var coded *errno.Error
	code := codes.Internal
	switch {
	case errors.As(err, &invalid):
		code = codes.InvalidArgument
	case errors.As(err, &missing):
		code = codes.NotFound
	case errors.As(err, &refused), errors.As(err, &notKept):
		code = codes.FailedPrecondition
	case errors.As(err, &stale):
		code = codes.Aborted
	case errors.As(err, &coded):
		code = codes.FailedPrecondition
		if c, ok := byErrno[coded.Code]; ok {
			code = c
		}
	}
	return status.Error(code, err.Error())
}
