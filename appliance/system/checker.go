// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// The conditions that a Checker sets.
const (
	ConditionEngine  = "engine"
	ConditionWorkers = "workers"
	ConditionModules = "modules"
)

// Checker looks whether the engine and its workers are alive. It belongs to
// one goroutine.
type Checker struct {
	engine     *engine.Engine
	conditions *Conditions
	asked      chan engine.Vitals // an answer that is still to come, or nil
	askedAt    time.Time
	open       []engine.Pulse // workers that have not answered yet
	openAt     time.Time
}

// NewChecker returns a checker of e that sets conditions. What the image's init
// found is known from now on.
func NewChecker(e *engine.Engine, c *Conditions) *Checker {
	c.addImage(imageFile)
	return &Checker{engine: e, conditions: c}
}

// Look takes over what the image's init found, waits up to patience for the engine and as long again for the workers,
// and reports whether all of them answered.
func (c *Checker) Look(patience time.Duration) bool {
	c.conditions.addImage(imageFile)
	if c.asked == nil {
		// One question at a time: an engine that hangs is not asked again.
		answer := make(chan engine.Vitals, 1)
		go func() { answer <- c.engine.Vitals() }()
		c.asked, c.askedAt = answer, time.Now()
	}
	select {
	case v := <-c.asked:
		c.asked = nil
		c.conditions.Set(ConditionEngine, nil)
		c.conditions.Set(ConditionModules, panicked(v.Panics))
		if len(c.open) == 0 {
			c.open, c.openAt = v.Workers, time.Now()
		}
	case <-time.After(patience):
		c.conditions.Set(ConditionEngine, fmt.Errorf("no call that reads or changes the pipeline has been answered for %v", age(c.askedAt)))
	}
	err := c.workers(patience)
	c.conditions.Set(ConditionWorkers, err)
	return c.asked == nil && err == nil
}

func age(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }

// workers waits for the workers that were asked.
func (c *Checker) workers(patience time.Duration) error {
	late := time.After(patience)
	var silent []engine.Pulse
	for _, p := range c.open {
		select {
		case <-p.Answered:
			continue
		default:
		}
		select {
		case <-p.Answered:
		case <-late:
			silent = append(silent, p)
			late = time.After(0)
		}
	}
	c.open = silent
	var texts []string
	for _, p := range silent {
		texts = append(texts, fmt.Sprintf("worker %d on core %d has not ended its batch for %v: a module hangs, or the core is not scheduled", p.Worker, p.Core, age(c.openAt)))
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

func panicked(list []engine.ModulePanics) error {
	var texts []string
	for _, m := range list {
		texts = append(texts, fmt.Sprintf("module %s (%s) panicked %d times and dropped the packets", m.Module, m.Class, m.Panics))
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; ") + "; see the log")
}
