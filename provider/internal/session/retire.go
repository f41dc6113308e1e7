// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// launchedKey marks, in private state, a resource for which the daemon has made
// a worker of its own, so that destroy leaves nothing behind.
const launchedKey = "launched"

// implicitWorker is the worker that the daemon makes by itself.
const implicitWorker = 0

// Settled is Settle for a new resource with its private state. If the daemon
// had to make a worker in this run, the resource remembers.
func (s *Session) Settled(ctx context.Context, module string, p Private) diag.Diagnostics {
	diags := s.Settle(ctx, module)
	if s.Launched() || s.implicit.Load() {
		diags.Append(p.SetKey(ctx, launchedKey, []byte("true"))...)
	}
	return diags
}

// Retired is Settle for a resource that has been destroyed. If it was one of
// those that the daemon had made a worker for, and the last one, the worker
// goes too.
func (s *Session) Retired(ctx context.Context, p Private) diag.Diagnostics {
	diags := s.Settle(ctx, "")
	marked, more := p.GetKey(ctx, launchedKey)
	diags.Append(more...)
	if len(marked) > 0 {
		s.implicit.Store(true)
	}
	if !s.implicit.Load() {
		return diags
	}
	if err := s.retire(ctx); err != nil {
		diags.AddWarning("A worker stays", "Nothing uses the worker any more that the daemon has made by itself, but: "+err.Error())
	}
	return diags
}

// retire destroys the worker that the daemon has made by itself, if nothing
// uses it. Many resources are destroyed at once: the first to find it unused
// destroys it, and a worker that a resource has made in its place since then is
// not touched.
func (s *Session) retire(ctx context.Context) error {
	s.start.resuming.Lock()
	defer s.start.resuming.Unlock()
	workers, err := s.client.Workers(ctx)
	if err != nil {
		return err
	}
	implicit := func(w *client.Worker) bool { return w.GetWid() == implicitWorker }
	if !slices.ContainsFunc(workers, implicit) || s.start.isDeclared(implicitWorker) || !s.unused(ctx, implicitWorker) {
		return nil
	}
	err = s.client.DestroyWorker(ctx, implicitWorker)
	if client.IsNotFound(err) || client.IsBusy(err) {
		return nil // somebody else was faster, or needs it now
	}
	return err
}

// unused reports whether a worker has no tasks and no traffic classes but the
// daemon's own.
func (s *Session) unused(ctx context.Context, wid int64) bool {
	tcs, err := s.client.TCs(ctx, wid)
	if err != nil {
		return false
	}
	for _, tc := range tcs {
		if c := tc.GetClass(); c.GetLeafModuleName() != "" || !Automatic(c.GetName()) {
			return false
		}
	}
	return true
}
