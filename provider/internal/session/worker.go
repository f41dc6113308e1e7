// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// AddingWorker notes that a worker is being made, which is paused at first and
// must not be resumed by another resource before its own says so.
func (s *Session) AddingWorker(wid int64, run bool) (done func()) {
	s.KeepPaused(wid, !run)
	s.start.mu.Lock()
	s.start.adding++
	s.start.mu.Unlock()
	return func() {
		s.start.mu.Lock()
		s.start.adding--
		s.start.mu.Unlock()
	}
}

// KeepPaused notes whether a worker is meant to stand still. Such a worker is
// not resumed along with others for the rest of the run. Either way it belongs
// to a resource from now on: a worker of the daemon's own that is about to be
// destroyed is gone when KeepPaused returns.
func (s *Session) KeepPaused(wid int64, paused bool) {
	s.start.resuming.Lock()
	defer s.start.resuming.Unlock()
	s.start.keepPaused(wid, paused)
}

// Resume starts one worker. If it is the first to run, all paused workers are
// started, unless some are meant to stand still: only then the daemon prepares
// the pipeline as a whole and attaches tasks that have no worker yet.
func (s *Session) Resume(ctx context.Context, wid int64) (diag.Diagnostics, error) {
	var diags diag.Diagnostics
	s.start.resuming.Lock()
	defer s.start.resuming.Unlock()
	workers, err := s.client.Workers(ctx)
	if err != nil {
		return diags, err
	}
	if anyRunning(workers) || len(workers) > 1 && s.start.keeping() {
		if _, err := s.client.CheckConstraints(ctx); err != nil {
			return diags, err
		}
		return diags, s.client.ResumeWorker(ctx, wid)
	}
	found, err := s.client.ResumeAll(ctx)
	if err == nil {
		diags.Append(violations(found)...)
	}
	return diags, err
}

// keeping reports whether a worker is meant to stand still.
func (s *starter) keeping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.paused) > 0
}
