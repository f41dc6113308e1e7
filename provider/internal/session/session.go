// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package session is what the resources of one Terraform run share: the
// connection to the daemon, lists read once per run instead of once per
// resource, what has been planned so far (so that two resources claiming one
// gate are reported at plan time), links of modules that are being replaced,
// and the rule by which a pipeline under construction starts to run.
package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// Session lives from one configuration of the provider to the next, which is
// one walk of Terraform over its graph. Its methods are safe for concurrent
// use: Terraform works on ten resources at a time.
type Session struct {
	client  *client.Client // nil while the address is not known
	resume  bool
	timeout time.Duration

	claims claims
	cuts   cuts
	start  starter
	// implicit says that a resource was destroyed for which the daemon had
	// made a worker: whoever is its last user now, or comes after it in this
	// run, is answerable for that worker.
	implicit atomic.Bool

	writes  atomic.Uint64 // number of changes made, which make lists stale
	modules cached[[]*client.Module]
	ports   cached[[]*client.Port]
	tcs     cached[[]*client.TC]
	workers cached[[]*client.Worker]

	infoMu sync.Mutex
	infos  map[string]*cached[*client.ModuleInfo]
}

// Options are the provider's configuration.
type Options struct {
	// Address of the daemon; nil: not known yet.
	Address *string
	// TLS is how the daemon and this client know each other.
	TLS client.TLS
	// Timeout of each call.
	Timeout time.Duration
	// Resume says whether the pipeline is started after changes.
	Resume bool
	// UserAgent names the provider in the daemon's log.
	UserAgent string
}

// New returns a session. It does not connect.
func New(opt Options) (*Session, error) {
	s := &Session{resume: opt.Resume, timeout: opt.Timeout}
	s.start.init()
	if opt.Address == nil {
		return s, nil
	}
	var err error
	s.client, err = client.Dial(*opt.Address, client.Options{Timeout: opt.Timeout, UserAgent: opt.UserAgent, TLS: opt.TLS})
	return s, err
}

// ErrNoAddress says that the provider's address, or a certificate, is only
// known after apply.
var ErrNoAddress = errors.New("the address of the daemon, or a certificate for it, is not known before other resources have been applied")

// Client returns the connection. Errors: ErrNoAddress.
func (s *Session) Client() (*client.Client, error) {
	if s == nil || s.client == nil {
		return nil, ErrNoAddress
	}
	return s.client, nil
}

// Timeout is how long one call, or waiting for another resource, may take.
func (s *Session) Timeout() time.Duration {
	if s.timeout > 0 {
		return s.timeout
	}
	return client.DefaultTimeout
}

// Change notes that a resource is being changed, until the function returned
// is called.
func (s *Session) Change() (done func()) {
	s.start.enter()
	return func() {
		s.writes.Add(1)
		s.start.leave()
	}
}

// cacheFor is how long a list is taken for true. A run reads all resources
// within a moment, and its own changes are noticed.
const cacheFor = 2 * time.Second

// cached is a list shared by the resources of one kind.
type cached[T any] struct {
	mu     sync.Mutex
	at     time.Time
	writes uint64
	value  T
	err    error
}

// get returns the list, loading it if it is missing or stale. Errors are kept
// as well: if the daemon is down, one call finds that out.
func (c *cached[T]) get(ctx context.Context, s *Session, load func(context.Context) (T, error)) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := s.writes.Load()
	if c.at.IsZero() || c.writes != now || time.Since(c.at) > cacheFor {
		c.value, c.err = load(ctx)
		c.at, c.writes = time.Now(), now
	}
	return c.value, c.err
}

// Modules returns the modules, as of a moment ago.
func (s *Session) Modules(ctx context.Context) ([]*client.Module, error) {
	c, err := s.Client()
	if err != nil {
		return nil, err
	}
	return s.modules.get(ctx, s, c.Modules)
}

// ModuleInfo describes a module, as of a moment ago. All links that leave a
// module ask for it.
func (s *Session) ModuleInfo(ctx context.Context, name string) (*client.ModuleInfo, error) {
	// The list of all modules finds out once whether the daemon is there.
	if _, err := s.Modules(ctx); err != nil {
		return nil, err
	}
	s.infoMu.Lock()
	if s.infos == nil {
		s.infos = map[string]*cached[*client.ModuleInfo]{}
	}
	info := s.infos[name]
	if info == nil {
		info = &cached[*client.ModuleInfo]{}
		s.infos[name] = info
	}
	s.infoMu.Unlock()
	return info.get(ctx, s, func(ctx context.Context) (*client.ModuleInfo, error) { return s.client.Module(ctx, name) })
}

// Ports returns the ports, as of a moment ago.
func (s *Session) Ports(ctx context.Context) ([]*client.Port, error) {
	c, err := s.Client()
	if err != nil {
		return nil, err
	}
	return s.ports.get(ctx, s, c.Ports)
}

// TCs returns the traffic classes, as of a moment ago.
func (s *Session) TCs(ctx context.Context) ([]*client.TC, error) {
	c, err := s.Client()
	if err != nil {
		return nil, err
	}
	return s.tcs.get(ctx, s, func(ctx context.Context) ([]*client.TC, error) { return c.TCs(ctx, client.AnyWorker) })
}

// Workers returns the workers, as of a moment ago.
func (s *Session) Workers(ctx context.Context) ([]*client.Worker, error) {
	c, err := s.Client()
	if err != nil {
		return nil, err
	}
	return s.workers.get(ctx, s, c.Workers)
}
