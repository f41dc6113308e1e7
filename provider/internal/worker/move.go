// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

const maxWID = 63

// rehouse gives a worker another CPU or scheduler. No call does that, so its
// tasks wait on a worker that does not run while it is made anew. Packets wait
// in ports and queues meanwhile. The worker is left paused.
func rehouse(ctx context.Context, c *client.Client, plan *model) (err error) {
	wid, core, scheduler := plan.WID.ValueInt64(), plan.Core.ValueInt64(), plan.Scheduler.ValueString()
	workers, err := c.Workers(ctx)
	if err != nil {
		return err
	}
	if err := noClasses(ctx, c, wid); err != nil {
		return err
	}
	spare := freeID(workers)
	if spare < 0 {
		return fmt.Errorf("worker %d: all 64 workers are in use, none is left to hold its tasks meanwhile", wid)
	}
	if err := c.AddWorker(ctx, spare, core, ""); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // from here on, an interruption would leave tasks behind
	if err := moveTasks(ctx, c, wid, spare); err != nil {
		return err
	}
	if err := c.DestroyWorker(ctx, wid); err != nil && !client.IsNotFound(err) {
		return err
	}
	if err := c.AddWorker(ctx, wid, core, scheduler); err != nil {
		return err
	}
	// The daemon may have placed a new task on the spare worker meanwhile.
	return session.Retry(ctx, session.BusyFor, client.IsBusy, func() error {
		if err := moveTasks(ctx, c, spare, wid); err != nil {
			return err
		}
		return c.DestroyWorker(ctx, spare)
	})
}

// freeID returns the highest id that no worker has, -1 if there is none.
func freeID(workers []*client.Worker) int64 {
	for wid := int64(maxWID); wid >= 0; wid-- {
		if find(workers, wid) == nil {
			return wid
		}
	}
	return -1
}

// noClasses fails if somebody has hung traffic classes below the worker.
func noClasses(ctx context.Context, c *client.Client, wid int64) error {
	tcs, err := c.TCs(ctx, wid)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range tcs {
		if class := t.GetClass(); class.GetLeafModuleName() == "" && !session.Automatic(class.GetName()) {
			names = append(names, class.GetName())
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("worker %d: its traffic classes (%s) cannot move to another CPU; "+
			"make a new worker with new classes, then destroy this one", wid, strings.Join(names, ", "))
	}
	return nil
}

// moveTasks moves all tasks from one worker to another.
func moveTasks(ctx context.Context, c *client.Client, from, to int64) error {
	tcs, err := c.TCs(ctx, from)
	if err != nil {
		return err
	}
	for _, t := range tcs {
		if t.GetClass().GetLeafModuleName() == "" {
			continue
		}
		if err := c.UpdateTCParent(ctx, place(t, to)); err != nil && !client.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// evict moves the tasks that the daemon has placed on a worker to another one
// that runs, if there is one.
func evict(ctx context.Context, c *client.Client, wid int64) {
	workers, err := c.Workers(ctx)
	if err != nil {
		return
	}
	for _, w := range workers {
		if w.GetWid() != wid && w.GetRunning() {
			evictTo(ctx, c, wid, w.GetWid())
			return
		}
	}
}

// evictTo moves what hangs directly on a worker. It fails silently: whether
// the worker is free shows when it is destroyed.
func evictTo(ctx context.Context, c *client.Client, from, to int64) {
	tcs, err := c.TCs(ctx, from)
	if err != nil {
		return
	}
	for _, t := range tcs {
		root := t.GetParent() == "" || session.Automatic(t.GetParent())
		if t.GetClass().GetLeafModuleName() != "" && root {
			_ = c.UpdateTCParent(ctx, place(t, to))
		}
	}
}

// place returns the request that makes a task a root of a worker.
func place(t *client.TC, wid int64) *api.TrafficClass {
	return &api.TrafficClass{
		LeafModuleName: t.GetClass().GetLeafModuleName(), LeafModuleTaskid: t.GetClass().GetLeafModuleTaskid(), Wid: wid}
}
