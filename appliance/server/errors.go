// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// toError turns an engine error into the in-band form; nil stays unset, as
// clients take any Error message for a failure (spec: api.md section 2).
func toError(err error) *api.Error {
	if err == nil {
		return nil
	}
	return &api.Error{Code: int32(errno.Code(err)), Errmsg: err.Error()}
}

func empty(err error) (*api.EmptyResponse, error) {
	return &api.EmptyResponse{Error: toError(err)}, nil
}

// commandResponse packs a command's result; an Any is passed on as it is.
func commandResponse(resp proto.Message, err error) (*api.CommandResponse, error) {
	if err != nil {
		return &api.CommandResponse{Error: toError(err)}, nil
	}
	switch r := resp.(type) {
	case nil:
		return &api.CommandResponse{}, nil
	case *anypb.Any:
		return &api.CommandResponse{Data: r}, nil
	}
	data, err := anypb.New(resp)
	return &api.CommandResponse{Data: data, Error: toError(err)}, nil
}

// now returns seconds since 1970 with microsecond resolution.
func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

// shortName returns the name of a message without its package.
func shortName(m proto.Message) string {
	if m == nil {
		return "EmptyArg"
	}
	return string(m.ProtoReflect().Descriptor().Name())
}
