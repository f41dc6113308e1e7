// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// Options are what the service tells about.
type Options struct {
	Engine     *engine.Engine
	Conditions *Conditions
	Ring       *Ring
	Version    string
	Log        *slog.Logger
	// InitSocket is where init listens; "" means InitSocket.
	InitSocket string
	// Ending is closed when the daemon ends: nobody may follow the log then.
	Ending <-chan struct{}
}

// Register adds the service bess.appliance.v1.Appliance to a server.
func Register(g *grpc.Server, o Options) {
	if o.InitSocket == "" {
		o.InitSocket = InitSocket
	}
	appliancepb.RegisterApplianceServer(g, &service{Options: o})
}

type service struct {
	appliancepb.UnimplementedApplianceServer
	Options
}

// GetHealth answers the conditions.
func (s *service) GetHealth(context.Context, *appliancepb.GetHealthRequest) (*appliancepb.GetHealthResponse, error) {
	resp := &appliancepb.GetHealthResponse{Ok: true}
	for _, c := range s.Conditions.List() {
		resp.Ok = resp.Ok && c.OK
		resp.Conditions = append(resp.Conditions, &appliancepb.Condition{Name: c.Name, Ok: c.OK, Reason: c.Reason, Since: timestamppb.New(c.Since)})
	}
	return resp, nil
}

// GetFacts answers what the machine is made of.
func (s *service) GetFacts(_ context.Context, r *appliancepb.GetFactsRequest) (*appliancepb.GetFactsResponse, error) {
	f, err := facts(s.Engine, s.Version, r.GetProbe())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return f, nil
}

// page is how many lines are taken from the ring at once.
const page = 256

// ReadLog answers the last lines and follows the log.
func (s *service) ReadLog(r *appliancepb.ReadLogRequest, out grpc.ServerStreamingServer[appliancepb.LogLine]) error {
	priority := math.MaxInt
	if r.Priority != nil {
		priority = int(min(r.GetPriority(), math.MaxInt32))
	}
	list, next := s.Ring.Last(int(min(r.GetLines(), ringLines)), priority)
	for {
		for _, l := range list {
			if l.Priority > priority {
				continue
			}
			if err := out.Send(line(l)); err != nil {
				return err
			}
		}
		if !r.GetFollow() {
			return nil
		}
		lines, more, err := s.Ring.From(next, page)
		if err != nil {
			return status.Errorf(codes.OutOfRange, "log: %v", err)
		}
		if list = lines; len(list) > 0 {
			next = list[len(list)-1].Number + 1
			continue
		}
		select {
		case <-more:
		case <-out.Context().Done():
			return status.FromContextError(out.Context().Err()).Err()
		case <-s.Ending:
			return status.Error(codes.Unavailable, "the daemon ends")
		}
	}
}

func line(l Line) *appliancepb.LogLine {
	return &appliancepb.LogLine{Number: l.Number, Time: timestamppb.New(l.Time), Priority: uint32(l.Priority), Source: l.Source, Text: l.Text}
}

// Shutdown has init switch the machine off.
func (s *service) Shutdown(ctx context.Context, _ *appliancepb.ShutdownRequest) (*appliancepb.ShutdownResponse, error) {
	return &appliancepb.ShutdownResponse{}, s.power(ctx, "poweroff")
}

// Reboot has init start the machine anew.
func (s *service) Reboot(ctx context.Context, _ *appliancepb.RebootRequest) (*appliancepb.RebootResponse, error) {
	return &appliancepb.RebootResponse{}, s.power(ctx, "reboot")
}

func (s *service) power(ctx context.Context, command string) error {
	if err := askInit(ctx, s.InitSocket, command); err != nil {
		return status.Error(codes.FailedPrecondition, fmt.Sprintf("%s: %v", command, err))
	}
	s.Log.Warn("a client has the machine stopped", "how", command)
	return nil
}
