// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Host is what the engine offers to constructors through Env.
type Host interface {
	// DeclareAttr agrees on the size of an attribute name with all other
	// instances; errors carry EINVAL.
	DeclareAttr(name string, size int) error
	// ReleaseAttr takes one DeclareAttr back.
	ReleaseAttr(name string)
	// Port finds a port by name.
	Port(name string) (*port.Port, bool)
	// Pool is the engine's packet pool.
	Pool() *packet.Pool
}

// Env is what a constructor gets to know of the engine. It is used during
// Class.New only; the Tasks it returns live as long as the instance.
type Env struct {
	// Name of the instance.
	Name string
	// Log for the control side; never used on the way of a packet.
	Log *slog.Logger

	host  Host
	attrs []Attr
	tasks []*Task
	ports []func()
}

// NewEnv returns an Env for one construction.
func NewEnv(name string, log *slog.Logger, host Host) *Env {
	return &Env{Name: name, Log: log, host: host}
}

// Pool returns the engine's packet pool.
func (e *Env) Pool() *packet.Pool { return e.host.Pool() }

// AddAttr declares a metadata attribute of size bytes, 1..32. Errors: ENOSPC
// beyond 16 attributes, EINVAL for an empty name, a bad size or a size other
// than the one other instances declared, EEXIST for a name declared twice
// (spec: metadata.md section 2).
func (e *Env) AddAttr(name string, size int, mode Mode) (AttrID, error) {
	if len(e.attrs) >= MaxAttrs {
		return 0, errno.Errorf(errno.ENOSPC, "metadata attribute %q: a module has at most %d attributes", name, MaxAttrs)
	}
	if name == "" {
		return 0, errno.Errorf(errno.EINVAL, "metadata attribute name must not be empty")
	}
	if size < 1 || size > MaxAttrSize {
		return 0, errno.Errorf(errno.EINVAL, "metadata attribute %q: size %d must be 1..%d bytes", name, size, MaxAttrSize)
	}
	for _, a := range e.attrs {
		if a.Name == name {
			return 0, errno.Errorf(errno.EEXIST, "metadata attribute %q is declared twice", name)
		}
	}
	if err := e.host.DeclareAttr(name, size); err != nil {
		return 0, err
	}
	e.attrs = append(e.attrs, Attr{Name: name, Size: size, Mode: mode})
	return AttrID(len(e.attrs) - 1), nil
}

// AddTask registers a task; its index is the number registered before.
func (e *Env) AddTask() *Task {
	t := &Task{}
	e.tasks = append(e.tasks, t)
	return t
}

// AcquirePort finds a port and takes queue qid, or all queues if qid < 0, of
// one direction for this instance. The engine releases them with the
// instance. Errors: ENODEV for an unknown port or one without queues of that
// direction, EINVAL for a queue that does not exist, EBUSY for one taken.
func (e *Env) AcquirePort(name string, dir port.Dir, qid int) (*port.Port, error) {
	p, ok := e.host.Port(name)
	if !ok {
		return nil, errno.Errorf(errno.ENODEV, "port: Port %s not found", name)
	}
	if err := p.Acquire(dir, qid, e.Name); err != nil {
		return nil, err
	}
	e.ports = append(e.ports, func() { p.Release(dir, qid, e.Name) })
	return p, nil
}

// Attrs returns the declared attributes.
func (e *Env) Attrs() []Attr { return e.attrs }

// Tasks returns the registered tasks.
func (e *Env) Tasks() []*Task { return e.tasks }

// Release gives queues and attribute sizes back, after a failed construction
// or when the instance is gone.
func (e *Env) Release() {
	for _, release := range e.ports {
		release()
	}
	for _, a := range e.attrs {
		e.host.ReleaseAttr(a.Name)
	}
	e.ports, e.attrs = nil, nil
}

// Task is a registered task, for its module to wake it.
type Task struct{ waker atomic.Pointer[Waker] }

// Wake ends the sleep of the worker that runs the task, if it sleeps because
// nothing was to be done. It costs one load when the worker is awake. Call it
// after making the new work visible. Safe from any goroutine.
func (t *Task) Wake() {
	if w := t.waker.Load(); w != nil && w.asleep.Load() {
		w.event.Signal()
	}
}

// SetWaker tells the task who runs it; nil for nobody.
func (t *Task) SetWaker(w *Waker) { t.waker.Store(w) }

// Waker wakes one worker.
type Waker struct {
	asleep atomic.Bool
	event  *sys.Event
}

// NewWaker returns a Waker with an event of its own.
func NewWaker() (*Waker, error) {
	ev, err := sys.NewEvent()
	if err != nil {
		return nil, fmt.Errorf("waker: %w", err)
	}
	return &Waker{event: ev}, nil
}

// Event is signalled by Wake.
func (w *Waker) Event() *sys.Event { return w.event }

// SetAsleep announces that the worker is about to sleep, or has woken up.
// Between the announcement and the sleep the worker must look for work once
// more.
func (w *Waker) SetAsleep(v bool) { w.asleep.Store(v) }
