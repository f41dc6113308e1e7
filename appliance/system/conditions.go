// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"sync"
	"time"
)

// Condition is something that is well or not.
type Condition struct {
	Name string
	OK   bool
	// Reason says what is wrong, "" if nothing is.
	Reason string
	// Since is when OK became what it is.
	Since time.Time
}

// Conditions are what an operator must know. Safe for concurrent use.
type Conditions struct {
	mu      sync.Mutex
	list    []Condition // in the order in which they were first set
	watcher func(name string, ok bool)
}

// Watch has f called with every condition there is and with every change. f
// must not call c.
func (c *Conditions) Watch(f func(name string, ok bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher = f
	for _, k := range c.list {
		f(k.Name, k.OK)
	}
}

// Set says how something is: nil is well.
func (c *Conditions) Set(name string, problem error) {
	k := Condition{Name: name, OK: problem == nil, Since: time.Now()}
	if problem != nil {
		k.Reason = problem.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		if c.watcher != nil {
			c.watcher(k.Name, k.OK)
		}
	}()
	for i := range c.list {
		if o := &c.list[i]; o.Name == name {
			if o.OK == k.OK {
				k.Since = o.Since
			}
			*o = k
			return
		}
	}
	c.list = append(c.list, k)
}

// List returns all conditions.
func (c *Conditions) List() []Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Condition{}, c.list...)
}
