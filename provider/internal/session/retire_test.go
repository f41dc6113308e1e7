// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// workersOnly is a daemon that has workers and nothing else, and counts how
// often one is destroyed.
type workersOnly struct {
	api.UnimplementedBESSControlServer
	mu        sync.Mutex
	wids      []int64
	destroyed int
}

func (d *workersOnly) ListWorkers(context.Context, *api.EmptyRequest) (*api.ListWorkersResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	resp := &api.ListWorkersResponse{}
	for _, wid := range d.wids {
		resp.WorkersStatus = append(resp.WorkersStatus, &api.ListWorkersResponse_WorkerStatus{Wid: wid, Running: true})
	}
	return resp, nil
}

func (d *workersOnly) ListTcs(context.Context, *api.ListTcsRequest) (*api.ListTcsResponse, error) {
	return &api.ListTcsResponse{}, nil
}

func (d *workersOnly) AddWorker(_ context.Context, r *api.AddWorkerRequest) (*api.EmptyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wids = append(d.wids, r.GetWid())
	return &api.EmptyResponse{}, nil
}

func (d *workersOnly) DestroyWorker(_ context.Context, r *api.DestroyWorkerRequest) (*api.EmptyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.destroyed++
	d.wids = slices.DeleteFunc(d.wids, func(wid int64) bool { return wid == r.GetWid() })
	return &api.EmptyResponse{}, nil
}

// sessionWith returns a session with a daemon that has these workers.
func sessionWith(t *testing.T, wids ...int64) (*Session, *workersOnly) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	d := &workersOnly{wids: wids}
	srv := grpc.NewServer()
	api.RegisterBESSControlServer(srv, d)
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(srv.Stop)
	s, err := New(Options{Address: ptr("unix:" + path), Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	return s, d
}

// retireAll destroys n resources for which the daemon had made worker 0.
func retireAll(t *testing.T, s *Session, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			defer s.Change()()
			if diags := s.Retired(context.Background(), private{launchedKey: []byte("true")}); len(diags) > 0 {
				t.Error(diags)
			}
		})
	}
	all.Wait()
}

// Ten resources that are destroyed at once, and more after them, destroy the
// worker once.
func TestImplicitWorkerIsDestroyedOnce(t *testing.T) {
	s, d := sessionWith(t, 0)
	retireAll(t, s, 10)
	retireAll(t, s, 3)
	if d.destroyed != 1 || len(d.wids) > 0 {
		t.Errorf("worker 0 was destroyed %d times, workers left: %v", d.destroyed, d.wids)
	}
}

// A bess_worker takes the place of the daemon's own worker in the same run:
// resources that are destroyed later must not take it along.
func TestDeclaredWorkerIsNotRetired(t *testing.T) {
	s, d := sessionWith(t, 0)
	retireAll(t, s, 2)
	done := s.AddingWorker(0, true)
	if err := s.client.AddWorker(context.Background(), 0, 0, ""); err != nil {
		t.Fatal(err)
	}
	done()
	retireAll(t, s, 2)
	if d.destroyed != 1 || !slices.Equal(d.wids, []int64{0}) {
		t.Errorf("worker 0 was destroyed %d times, workers left: %v", d.destroyed, d.wids)
	}
}

// The daemon's own worker is 0; others are somebody's.
func TestOtherWorkersAreNotRetired(t *testing.T) {
	s, d := sessionWith(t, 1, 2)
	retireAll(t, s, 2)
	if d.destroyed != 0 {
		t.Errorf("%d workers were destroyed", d.destroyed)
	}
}
