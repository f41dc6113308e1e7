// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// errNoKeeper is what a daemon without a store answers.
var errNoKeeper = status.Error(codes.FailedPrecondition, "this daemon keeps no declarations: it was started without -store")

// History answers what is kept, the newest first.
func (s *service) History(context.Context, *declarepb.HistoryRequest) (*declarepb.HistoryResponse, error) {
	if s.keeper == nil {
		return nil, errNoKeeper
	}
	list, err := s.keeper.Kept()
	if err != nil {
		return nil, toStatus(err)
	}
	resp := &declarepb.HistoryResponse{}
	for _, k := range list {
		h := &declarepb.StoredGeneration{Generation: k.Generation, By: k.By, Origin: k.Origin,
			Name: k.Name, Sha256: k.Digest, Bytes: uint64(k.Size), Problem: k.Problem}
		if !k.Time.IsZero() {
			h.Time = timestamppb.New(k.Time)
		}
		resp.Generations = append(resp.Generations, h)
	}
	return resp, nil
}

// Rollback applies what is kept.
func (s *service) Rollback(ctx context.Context, r *declarepb.RollbackRequest) (*declarepb.RollbackResponse, error) {
	if s.keeper == nil {
		return nil, errNoKeeper
	}
	generation := r.GetGeneration()
	if generation == 0 {
		var err error
		if generation, err = s.previous(); err != nil {
			return nil, err
		}
	}
	text, err := s.keeper.Read(generation)
	if err != nil {
		return nil, toStored(generation, err)
	}
	res, err := Restore(s.engine, text, fmt.Sprintf("generation %d", generation), s.cat, 0, s.keeper, s.caller(ctx))
	if err != nil {
		return nil, toStored(generation, err)
	}
	return &declarepb.RollbackResponse{Restored: generation, Findings: findings(res.Findings), Actions: actions(res.Actions),
		Problems: res.Problems, Generation: res.Generation}, nil
}

// toStored is toStatus for what is no fault of the client's request: a text
// that was accepted when it was stored.
func toStored(generation uint64, err error) error {
	st := status.Convert(toStatus(err))
	code := st.Code()
	if code == codes.InvalidArgument || code == codes.Internal {
		code = codes.FailedPrecondition
	}
	return status.Errorf(code, "generation %d: %s", generation, st.Message())
}

// previous returns the newest usable generation that says something else than
// the newest one.
func (s *service) previous() (uint64, error) {
	list, err := s.keeper.Kept()
	if err != nil {
		return 0, toStatus(err)
	}
	newest := ""
	for _, k := range list {
		switch {
		case k.Problem != "":
		case newest == "":
			newest = k.Digest
		case k.Digest != newest:
			return k.Generation, nil
		}
	}
	return 0, status.Error(codes.NotFound, "there is no generation before the newest one to go back to")
}

// caller names the client, "" if it is not known.
func (s *service) caller(ctx context.Context) string {
	if s.by == nil {
		return ""
	}
	return s.by(ctx)
}
