// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// ListDrivers answers the names of the port drivers.
func (s *Server) ListDrivers(context.Context, *api.EmptyRequest) (*api.ListDriversResponse, error) {
	return &api.ListDriversResponse{DriverNames: s.engine.Drivers()}, nil
}

// GetDriverInfo describes one driver.
func (s *Server) GetDriverInfo(_ context.Context, r *api.GetDriverInfoRequest) (*api.GetDriverInfoResponse, error) {
	d, err := s.engine.Driver(r.GetDriverName())
	if err != nil {
		return &api.GetDriverInfoResponse{Error: toError(err)}, nil
	}
	return &api.GetDriverInfoResponse{Name: d.Name, Help: d.Help}, nil
}

// ResetPorts closes all ports.
func (s *Server) ResetPorts(context.Context, *api.EmptyRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.ResetPorts())
}

// ListPorts answers all ports.
func (s *Server) ListPorts(context.Context, *api.EmptyRequest) (*api.ListPortsResponse, error) {
	resp := &api.ListPortsResponse{}
	for _, p := range s.engine.ListPorts() {
		c := p.Present()
		resp.Ports = append(resp.Ports, &api.ListPortsResponse_Port{
			Name: p.Name, Driver: p.Driver.Name, MacAddr: c.MAC.String(),
			NumIncQ: uint64(c.NumInc), NumOutQ: uint64(c.NumOut),
			SizeIncQ: uint64(c.SizeInc), SizeOutQ: uint64(c.SizeOut), DriverArg: p.Arg,
		})
	}
	return resp, nil
}

// CreatePort opens a port.
func (s *Server) CreatePort(_ context.Context, r *api.CreatePortRequest) (*api.CreatePortResponse, error) {
	p, err := s.engine.CreatePort(engine.PortSpec{Name: r.GetName(), Driver: r.GetDriver(),
		NumInc: r.GetNumIncQ(), NumOut: r.GetNumOutQ(), SizeInc: r.GetSizeIncQ(), SizeOut: r.GetSizeOutQ(), Arg: r.GetArg()})
	if err != nil {
		return &api.CreatePortResponse{Error: toError(err)}, nil
	}
	return &api.CreatePortResponse{Name: p.Name, MacAddr: p.Config().MAC.String()}, nil
}

// DestroyPort closes a port.
func (s *Server) DestroyPort(_ context.Context, r *api.DestroyPortRequest) (*api.EmptyResponse, error) {
	return empty(s.engine.DestroyPort(r.GetName()))
}

// SetPortConf changes a port's configuration.
func (s *Server) SetPortConf(_ context.Context, r *api.SetPortConfRequest) (*api.CommandResponse, error) {
	c := r.GetConf()
	return commandResponse(nil, s.engine.SetPortConf(r.GetName(), c.GetMacAddr(), c.GetMtu(), c.GetAdminUp()))
}

// GetPortConf answers a port's configuration.
func (s *Server) GetPortConf(_ context.Context, r *api.GetPortConfRequest) (*api.GetPortConfResponse, error) {
	var err error
	p := s.engine.Port(r.GetName())
	switch {
	case r.GetName() == "":
		err = errno.Errorf(errno.EINVAL, "Port name is not given")
	case p == nil:
		err = errno.Errorf(errno.ENOENT, "No port `%s' found", r.GetName())
	default:
		c := p.Present()
		return &api.GetPortConfResponse{Conf: &api.PortConf{MacAddr: c.MAC.String(), Mtu: uint32(c.MTU), AdminUp: p.Up()}}, nil
	}
	return &api.GetPortConfResponse{Error: toError(err)}, nil
}

// findPort finds a port for the statistics calls.
func (s *Server) findPort(name string) (*port.Port, error) {
	if p := s.engine.Port(name); p != nil {
		return p, nil
	}
	return nil, errno.Errorf(errno.ENOENT, "No port '%s' found", name)
}

// GetPortStats answers a port's statistics.
func (s *Server) GetPortStats(_ context.Context, r *api.GetPortStatsRequest) (*api.GetPortStatsResponse, error) {
	p, err := s.findPort(r.GetName())
	if err != nil {
		return &api.GetPortStatsResponse{Error: toError(err)}, nil
	}
	return &api.GetPortStatsResponse{Inc: stats(p.Stats(port.Inc)), Out: stats(p.Stats(port.Out)), Timestamp: now()}, nil
}

func stats(s port.Stats) *api.GetPortStatsResponse_Stat {
	return &api.GetPortStatsResponse_Stat{Packets: s.Packets, Dropped: s.Dropped, Bytes: s.Bytes,
		RequestedHist: s.Requested[:], ActualHist: s.Actual[:], DiffHist: s.Diff[:]}
}

// GetLinkStatus answers the state of a port's link.
func (s *Server) GetLinkStatus(_ context.Context, r *api.GetLinkStatusRequest) (*api.GetLinkStatusResponse, error) {
	p, err := s.findPort(r.GetName())
	if err != nil {
		return &api.GetLinkStatusResponse{Error: toError(err)}, nil
	}
	l := p.Link()
	return &api.GetLinkStatusResponse{Speed: l.SpeedMbps, FullDuplex: l.FullDuplex, Autoneg: l.Autoneg, LinkUp: l.Up}, nil
}
