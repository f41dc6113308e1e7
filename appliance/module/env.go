// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Host is what the engine offers to constructors through Env.
type Host interface {
	// DeclareAttr adds an attribute to those the instance declared so far,
	// or says why not.
	DeclareAttr(declared []Attr, a Attr) ([]Attr, error)
	// ReleaseAttrs forgets an instance's declarations.
	ReleaseAttrs(declared []Attr)
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
	ports []claim
}

// claim is a queue, or all queues, of a port taken for the instance.
type claim struct {
	port *port.Port
	dir  port.Dir
	qid  int
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
	attrs, err := e.host.DeclareAttr(e.attrs, Attr{Name: name, Size: size, Mode: mode})
	if err != nil {
		return 0, err
	}
	e.attrs = attrs
	return AttrID(len(e.attrs) - 1), nil
}

// AddAttrs declares attributes of fixed names and sizes as their documentation
// has them; their ids are 0, 1, … in that order. Errors are those of AddAttr.
func (e *Env) AddAttrs(docs []AttrDoc) error {
	for _, d := range docs {
		size, err := strconv.Atoi(d.Size)
		if err != nil {
			return Invalid("attribute "+d.Name, d.Size, "the size is not fixed")
		}
		if _, err := e.AddAttr(d.Name, size, d.Mode); err != nil {
			return errno.Wrap(err, "attribute %s", d.Name)
		}
	}
	return nil
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
	e.ports = append(e.ports, claim{p, dir, qid})
	return p, nil
}

// Attrs returns the declared attributes.
func (e *Env) Attrs() []Attr { return e.attrs }

// Ports returns the ports of which the instance holds queues.
func (e *Env) Ports() []*port.Port {
	var list []*port.Port
	for _, c := range e.ports {
		list = append(list, c.port)
	}
	return list
}

// Tasks returns the registered tasks.
func (e *Env) Tasks() []*Task { return e.tasks }

// Release gives queues and attribute sizes back: after a failed construction,
// or when the instance leaves the graph.
func (e *Env) Release() {
	for _, c := range e.ports {
		c.port.Release(c.dir, c.qid, e.Name)
	}
	e.host.ReleaseAttrs(e.attrs)
}

// Reclaim takes again what Release gave back, when a change is undone. It
// fails only if somebody else took it meanwhile.
func (e *Env) Reclaim() error {
	for _, c := range e.ports {
		if err := c.port.Acquire(c.dir, c.qid, e.Name); err != nil {
			return err
		}
	}
	var declared []Attr
	for _, a := range e.attrs {
		var err error
		if declared, err = e.host.DeclareAttr(declared, a); err != nil {
			return err
		}
	}
	return nil
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

// Waker returns who runs the task, nil for nobody.
func (t *Task) Waker() *Waker { return t.waker.Load() }

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
