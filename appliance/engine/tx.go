// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"slices"
	"syscall"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// The verbs of a transaction answer the same errors as those of the Engine.

// Generation returns the generation at the start of the transaction and what
// it has changed since.
func (tx *Tx) Generation() uint64 { return tx.e.generation }

// State returns the pipeline as the transaction has left it so far.
func (tx *Tx) State() *State { return tx.e.state() }

// CreateModule creates an instance.
func (tx *Tx) CreateModule(name, class string, arg *anypb.Any) error {
	_, err := tx.e.createModule(name, class, arg)
	return err
}

// UpdateModule gives an instance a new argument, in place or by rebuilding.
func (tx *Tx) UpdateModule(name string, arg *anypb.Any) (How, error) {
	m, err := tx.e.module(name)
	if err != nil {
		return 0, err
	}
	return tx.e.updateModule(m, arg)
}

// DestroyModule removes an instance with its links and tasks.
func (tx *Tx) DestroyModule(name string) error {
	m, err := tx.e.module(name)
	if err != nil {
		return err
	}
	tx.e.destroyModule(m)
	return nil
}

// Connect links two gates, with the usual Track hook.
func (tx *Tx) Connect(from string, ogate uint64, to string, igate uint64) error {
	return tx.e.connect(from, ogate, to, igate, false)
}

// Disconnect cuts the link of an output gate.
func (tx *Tx) Disconnect(from string, ogate uint64) error { return tx.e.disconnect(from, ogate) }

// AddTC creates a traffic class.
func (tx *Tx) AddTC(s TCSpec) error { return tx.e.addTC(s) }

// UpdateTCParams changes a traffic class in place.
func (tx *Tx) UpdateTCParams(s TCSpec) error { return tx.e.updateTCParams(s) }

// UpdateTCParent moves a task.
func (tx *Tx) UpdateTCParent(s TCSpec) error { return tx.e.updateTCParent(s) }

// DeleteTC removes an inner class without children.
func (tx *Tx) DeleteTC(name string) error { return tx.e.deleteTC(name) }

// CreatePort opens a port. What PreparePort has not prepared is found out now,
// while everybody else waits.
func (tx *Tx) CreatePort(s PortSpec) error {
	_, err := tx.e.createPort(s)
	return err
}

// DestroyPort closes a port that no module of the transaction's pipeline uses.
// Ports are outside the engine: the device is closed at once, so that a
// successor can have it, and what the transaction has changed so far is
// published for that. An undone transaction opens the port again.
func (tx *Tx) DestroyPort(name string) error {
	e := tx.e
	p := e.ports[name]
	if p == nil {
		return errno.Errorf(errno.ENOENT, "No port `%s' found", name)
	}
	// Modules that were removed may still run in the workers' snapshots.
	e.publishNow()
	e.undo.exposed = true
	cfg, up := p.Present(), p.Up()
	if err := e.destroyPort(p); err != nil {
		return err
	}
	e.undo.add(func() { e.reopenPort(p, cfg, up) })
	return nil
}

// ReplacePort opens a port and closes the one of its name, which no module of
// the transaction's pipeline uses. Where both devices can be open together the
// new one is opened first and the old one closed when the transaction has
// succeeded and no worker knows it any more: one that fails loses no packet.
// Where they cannot, it is DestroyPort and CreatePort.
func (tx *Tx) ReplacePort(s PortSpec) error {
	e := tx.e
	old := e.ports[s.Name]
	if old == nil {
		return errno.Errorf(errno.ENOENT, "No port `%s' found", s.Name)
	}
	if user := old.User(); user != "" {
		return portInUse(old, user)
	}
	delete(e.ports, s.Name)
	swapped := false
	e.undo.add(func() {
		if swapped {
			e.ports[s.Name] = old
		}
	})
	_, err := e.createPort(s)
	if err == nil {
		swapped = true
		e.undo.done = append(e.undo.done, func(uint64) { old.Device.Close() })
		return nil
	}
	e.ports[s.Name] = old
	if !isTaken(err) {
		return err
	}
	if err := tx.DestroyPort(s.Name); err != nil {
		return err
	}
	return tx.CreatePort(s)
}

// isTaken reports whether a port could not be opened because its device, or the
// name of it, is in use.
func isTaken(err error) bool {
	c := errno.Code(err)
	return c == errno.EBUSY || c == errno.EEXIST || c == int(syscall.EADDRINUSE)
}

// reopenPort opens a port like the closed p again.
func (e *Engine) reopenPort(p *port.Port, cfg port.Config, up bool) {
	s := PortSpec{Name: p.Name, Driver: p.Driver.Name, NumInc: uint64(cfg.NumInc), NumOut: uint64(cfg.NumOut),
		SizeInc: uint64(cfg.SizeInc), SizeOut: uint64(cfg.SizeOut), Arg: p.Arg, mac: cfg.MAC, prepared: p.Prepared}
	again, err := e.createPort(s)
	if s.prepared != nil && errno.Code(err) == errno.ESRCH { // the container was started again
		s.prepared = nil
		again, err = e.createPort(s)
	}
	if err != nil {
		e.log.Error("a port could not be opened again", "port", p.Name, "error", err)
		return
	}
	if c := again.Present(); c.MTU == cfg.MTU && bytes.Equal(c.MAC, cfg.MAC) && again.Up() == up {
		return
	}
	if err := again.SetConf(cfg.MTU, cfg.MAC, up); err != nil {
		e.log.Error("a port could not be set up as before", "port", p.Name, "error", err)
	}
}

// renewPortUsers ends an undone transaction: modules that came back with a
// port that was closed meanwhile are built anew with the port opened in its
// place. Without one they must go, their device is closed.
func (e *Engine) renewPortUsers() {
	for _, m := range e.graph.Modules() {
		stale := func(p *port.Port) bool { return e.ports[p.Name] != p }
		if !slices.ContainsFunc(m.Env.Ports(), stale) {
			continue
		}
		if err := e.rebuild(m, m.Arg); err != nil {
			e.log.Error("a module is lost with its port", "module", m.Name, "error", err)
			e.destroyModule(m)
		}
	}
}

// AddWorker creates a worker; it starts when the transaction succeeds.
func (tx *Tx) AddWorker(wid, core int64, scheduler string) error {
	return tx.e.addWorker(wid, core, scheduler)
}

// DestroyWorker ends a worker; its tasks find another one.
func (tx *Tx) DestroyWorker(wid int64) error {
	w, err := tx.e.worker(wid)
	if err != nil {
		return err
	}
	core, scheduler := int64(w.Core), ""
	if w.Sched.Backoff() {
		scheduler = experimental
	}
	running := w.Running()
	restore := tx.e.endWorker(w)
	tx.e.undo.add(func() {
		err := tx.e.addWorker(wid, core, scheduler)
		restore() // without its worker the tree waits for another one
		if err != nil {
			tx.e.log.Error("a worker could not be made again", "worker", wid, "error", err)
		} else if running {
			tx.e.start(tx.e.workers[wid])
		}
	})
	return nil
}
