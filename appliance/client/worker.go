// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"strconv"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// Worker is a line of Workers.
type Worker = api.ListWorkersResponse_WorkerStatus

// Workers returns the workers by id.
func (c *Client) Workers(ctx context.Context) ([]*Worker, error) {
	resp, err := call(ctx, c, "list workers", "", c.bess.ListWorkers, none)
	return resp.GetWorkersStatus(), err
}

// AddWorker makes a worker, which is paused, on a CPU. scheduler is "" or
// "experimental".
func (c *Client) AddWorker(ctx context.Context, wid, core int64, scheduler string) error {
	req := &api.AddWorkerRequest{Wid: wid, Core: core, Scheduler: scheduler}
	_, err := call(ctx, c, "add worker", id(wid), c.bess.AddWorker, req)
	return err
}

// DestroyWorker removes a worker. IsBusy while it has tasks.
func (c *Client) DestroyWorker(ctx context.Context, wid int64) error {
	_, err := call(ctx, c, "destroy worker", id(wid), c.bess.DestroyWorker, &api.DestroyWorkerRequest{Wid: wid})
	return err
}

// ResetWorkers removes all workers.
func (c *Client) ResetWorkers(ctx context.Context) error {
	_, err := call(ctx, c, "reset workers", "", c.bess.ResetWorkers, none)
	return err
}

// PauseAll stops all workers and returns when they have stopped.
func (c *Client) PauseAll(ctx context.Context) error {
	_, err := call(ctx, c, "pause all", "", c.bess.PauseAll, none)
	return err
}

// PauseWorker stops one worker.
func (c *Client) PauseWorker(ctx context.Context, wid int64) error {
	_, err := call(ctx, c, "pause worker", id(wid), c.bess.PauseWorker, &api.PauseWorkerRequest{Wid: wid})
	return err
}

// ResumeAll gives tasks without a worker to workers, making one if there is
// none, and starts all workers. The placement is checked before, because the
// original daemon computes there which workers reach which modules; what it
// finds is returned for the caller to judge.
func (c *Client) ResumeAll(ctx context.Context) (*api.CheckSchedulingConstraintsResponse, error) {
	found, err := c.CheckConstraints(ctx)
	if err != nil {
		return nil, err
	}
	_, err = call(ctx, c, "resume all", "", c.bess.ResumeAll, none)
	return found, err
}

// ResumeWorker starts one worker.
func (c *Client) ResumeWorker(ctx context.Context, wid int64) error {
	_, err := call(ctx, c, "resume worker", id(wid), c.bess.ResumeWorker, &api.ResumeWorkerRequest{Wid: wid})
	return err
}

// CheckConstraints tells which modules are run by more workers, or on other
// NUMA nodes, than they allow.
func (c *Client) CheckConstraints(ctx context.Context) (*api.CheckSchedulingConstraintsResponse, error) {
	return call(ctx, c, "check scheduling constraints", "", c.bess.CheckSchedulingConstraints, none)
}

func id(wid int64) string { return strconv.FormatInt(wid, 10) }
