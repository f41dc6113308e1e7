// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// AnyWorker is the worker id that leaves the choice to the daemon. The zero
// value of a request means worker 0.
const AnyWorker = -1

// TC is a traffic class with its place.
type TC = api.ListTcsResponse_TrafficClassStatus

// TCs returns the traffic classes of a worker, of all for AnyWorker.
func (c *Client) TCs(ctx context.Context, wid int64) ([]*TC, error) {
	resp, err := call(ctx, c, "list traffic classes", "", c.bess.ListTcs, &api.ListTcsRequest{Wid: wid})
	return resp.GetClassesStatus(), err
}

// AddTC makes a traffic class.
func (c *Client) AddTC(ctx context.Context, tc *api.TrafficClass) error {
	_, err := call(ctx, c, "add traffic class", tc.GetName(), c.bess.AddTc, &api.AddTcRequest{Class: tc})
	return err
}

// UpdateTCParams changes the resource and limits of a traffic class.
func (c *Client) UpdateTCParams(ctx context.Context, tc *api.TrafficClass) error {
	_, err := call(ctx, c, "update traffic class", tcName(tc), c.bess.UpdateTcParams, &api.UpdateTcParamsRequest{Class: tc})
	return err
}

// UpdateTCParent moves a task to a parent or worker.
func (c *Client) UpdateTCParent(ctx context.Context, tc *api.TrafficClass) error {
	_, err := call(ctx, c, "move", tcName(tc), c.bess.UpdateTcParent, &api.UpdateTcParentRequest{Class: tc})
	return err
}

func tcName(tc *api.TrafficClass) string {
	if tc.GetName() != "" {
		return tc.GetName()
	}
	return TaskName(tc.GetLeafModuleName(), tc.GetLeafModuleTaskid())
}

// TaskName returns the way people write a task: "src:0".
func TaskName(module string, task uint64) string { return module + ":" + id(int64(task)) }

// DeleteTC removes a traffic class. IsBusy while it has children,
// IsUnimplemented with the original daemon.
func (c *Client) DeleteTC(ctx context.Context, name string) error {
	_, err := declare(ctx, c, "delete traffic class", name, c.decl.DeleteTc, &declarepb.DeleteTcRequest{Name: name})
	return err
}

// ResetTCs removes all traffic classes except the leaves of tasks.
func (c *Client) ResetTCs(ctx context.Context) error {
	_, err := call(ctx, c, "reset traffic classes", "", c.bess.ResetTcs, none)
	return err
}

// TCStats returns the counters of a traffic class.
func (c *Client) TCStats(ctx context.Context, name string) (*api.GetTcStatsResponse, error) {
	return call(ctx, c, "get statistics of traffic class", name, c.bess.GetTcStats, &api.GetTcStatsRequest{Name: name})
}
