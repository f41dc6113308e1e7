// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// ConditionPorts is the condition that a PortWatch sets.
const ConditionPorts = "ports"

// quiet is for how long no other loss of an interface is logged after one: an
// interface that comes and goes all the time must not fill the log.
const quiet = 10 * time.Second

// PortWatch tells of ports whose interfaces go and come: as a condition what is
// so now, in the log what has happened. It belongs to one goroutine.
type PortWatch struct {
	engine     *engine.Engine
	conditions *Conditions
	log        *slog.Logger
	told       map[driven]told
}

// driven is one interface of a port.
type driven struct {
	port any // the engine's, whatever it is: names are used again
	n    int // its place among the port's
}

// told is what has been logged of an interface.
type told struct {
	losses uint64    // those logged, and those that came together with them
	away   bool      // the last line says so
	reason string    // in that line
	at     time.Time // of the last loss
}

// NewPortWatch returns a watch of the ports of e.
func NewPortWatch(e *engine.Engine, c *Conditions, log *slog.Logger) *PortWatch {
	return &PortWatch{engine: e, conditions: c, log: log, told: map[driven]told{}}
}

// Look looks at all ports.
func (w *PortWatch) Look(now time.Time) {
	var away []string
	seen := map[driven]told{}
	for _, i := range w.engine.PortInterfaces() {
		k := driven{port: i.Port}
		for _, again := seen[k]; again; _, again = seen[k] {
			k.n++
		}
		seen[k] = w.tell(w.told[k], i, now)
		if i.Away {
			away = append(away, fmt.Sprintf("port %s (%s): interface %s is away since %s: it %s",
				i.Port.Name, i.Port.Driver.Name, i.Interface, i.Since.UTC().Format(time.RFC3339), i.Reason))
		}
	}
	w.told = seen // ports that are no more are forgotten
	if away == nil {
		w.conditions.Set(ConditionPorts, nil)
		return
	}
	w.conditions.Set(ConditionPorts, errors.New(strings.Join(away, "; ")))
}

// tell logs what is new of an interface and returns what has been told by then.
// A loss and a return in between two looks are told as well. What is held back
// after another loss is told later.
func (w *PortWatch) tell(t told, i engine.PortInterface, now time.Time) told {
	log := w.log.With("port", i.Port.Name, "driver", i.Port.Driver.Name, "interface", i.Interface)
	lost, changed := i.Losses-t.losses, i.Away && t.away && i.Reason != t.reason
	if (lost > 0 || changed) && now.Sub(t.at) >= quiet {
		times := []any{}
		if lost > 1 {
			times = []any{"times", lost}
		}
		log.Warn("the interface of a port is away", append([]any{"reason", i.Reason}, times...)...)
		t = told{losses: i.Losses, away: true, reason: i.Reason, at: now}
	}
	if t.away && !i.Away && t.losses == i.Losses {
		log.Info("the interface of a port is back", "mode", i.Mode, "since", i.Since.UTC().Format(time.RFC3339))
		t.away = false
	}
	return t
}
