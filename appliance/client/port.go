// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// Port is a line of Ports.
type Port = api.ListPortsResponse_Port

// Ports returns the ports by name.
func (c *Client) Ports(ctx context.Context) ([]*Port, error) {
	resp, err := call(ctx, c, "list ports", "", c.bess.ListPorts, none)
	return resp.GetPorts(), err
}

// CreatePort opens a port. The answer has its final name and address.
func (c *Client) CreatePort(ctx context.Context, req *api.CreatePortRequest) (*api.CreatePortResponse, error) {
	object := req.GetName()
	if object == "" {
		object = req.GetDriver()
	}
	return call(ctx, c, "create port", object, c.bess.CreatePort, req)
}

// DestroyPort closes a port. IsBusy while a module uses it.
func (c *Client) DestroyPort(ctx context.Context, name string) error {
	_, err := call(ctx, c, "destroy port", name, c.bess.DestroyPort, &api.DestroyPortRequest{Name: name})
	return err
}

// ResetPorts closes all ports.
func (c *Client) ResetPorts(ctx context.Context) error {
	_, err := call(ctx, c, "reset ports", "", c.bess.ResetPorts, none)
	return err
}

// PortStats returns the counters of a port.
func (c *Client) PortStats(ctx context.Context, name string) (*api.GetPortStatsResponse, error) {
	return call(ctx, c, "get statistics of port", name, c.bess.GetPortStats, &api.GetPortStatsRequest{Name: name})
}

// LinkStatus returns the state of a port's link.
func (c *Client) LinkStatus(ctx context.Context, name string) (*api.GetLinkStatusResponse, error) {
	return call(ctx, c, "get link status of port", name, c.bess.GetLinkStatus, &api.GetLinkStatusRequest{Name: name})
}

// PortConf returns address, MTU and state of a port.
func (c *Client) PortConf(ctx context.Context, name string) (*api.PortConf, error) {
	resp, err := call(ctx, c, "get configuration of port", name, c.bess.GetPortConf, &api.GetPortConfRequest{Name: name})
	return resp.GetConf(), err
}

// SetPortConf changes address, MTU and state of a port.
func (c *Client) SetPortConf(ctx context.Context, name string, conf *api.PortConf) error {
	_, err := call(ctx, c, "configure port", name, c.bess.SetPortConf, &api.SetPortConfRequest{Name: name, Conf: conf})
	return err
}

// Drivers returns the names of the port drivers.
func (c *Client) Drivers(ctx context.Context) ([]string, error) {
	resp, err := call(ctx, c, "list drivers", "", c.bess.ListDrivers, none)
	return resp.GetDriverNames(), err
}

// Driver describes a port driver.
func (c *Client) Driver(ctx context.Context, name string) (*api.GetDriverInfoResponse, error) {
	return call(ctx, c, "describe driver", name, c.bess.GetDriverInfo, &api.GetDriverInfoRequest{DriverName: name})
}
