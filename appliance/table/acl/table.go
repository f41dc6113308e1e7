// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// linearMax is the longest list that is scanned from the top: up to here that
// takes no longer than the compiled form and needs none of its memory.
const linearMax = 16

// Table is an access list, compiled. It never changes, so any number of
// goroutines may look keys up at once. Only Release ends that.
type Table struct {
	rules  int
	linear linear // the whole list if it is short
	stages []*stage
	mem    []byte // of the stages, outside the Go heap
}

// Build compiles rules; the slice is not kept. An empty list is a table in
// which nothing matches. Errors: EINVAL for a prefix length above 32, E2BIG for
// more than MaxRules rules, ENOMEM if the memory cannot be had.
func Build(rules []Rule) (*Table, error) {
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	t := &Table{rules: len(rules)}
	if len(rules) <= linearMax {
		t.linear = makeLinear(rules)
		return t, nil
	}
	if err := t.compile(rules); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) compile(rules []Rule) error {
	var plans []*plan
	var a arena
	for from := 0; from < len(rules); from += maxStage {
		p := makePlan(rules[from:min(from+maxStage, len(rules))], from)
		p.newStage(&a)
		plans = append(plans, p)
		if p.rest != none {
			break // nothing behind it is ever reached
		}
	}
	mem, err := sys.Map(a.used)
	if err != nil {
		return errno.Wrap(err, "table of %d rules", len(rules))
	}
	t.mem = mem
	a = arena{mem: mem}
	for _, p := range plans {
		t.stages = append(t.stages, p.newStage(&a))
	}
	return nil
}

// Release returns the memory outside the Go heap. Nobody may look anything up
// afterwards; calling it again does nothing.
func (t *Table) Release() {
	sys.Unmap(t.mem)
	t.mem, t.stages = nil, nil
}

// Len returns the number of rules.
func (t *Table) Len() int { return t.rules }

// Memory returns the bytes the table holds outside the Go heap.
func (t *Table) Memory() int { return len(t.mem) }

// Lookup returns the index of the first rule that matches, or -1. The ports
// are ignored unless hasPorts.
func (t *Table) Lookup(src, dst uint32, sport, dport uint16, hasPorts bool) int {
	return int(t.LookupKey(MakeKey(src, dst, sport, dport, hasPorts)))
}

// LookupKey returns the index of the first rule that matches, or -1.
func (t *Table) LookupKey(k Key) int32 {
	if t.linear != nil {
		return t.linear.lookup(k)
	}
	for _, s := range t.stages {
		if r := s.lookup(k); r != none {
			return int32(r)
		}
	}
	return -1
}

// LookupBatch writes to out[i] what LookupKey returns for keys[i]; out must be
// as long as keys.
func (t *Table) LookupBatch(keys []Key, out []int32) {
	out = out[:len(keys)]
	switch {
	case t.linear != nil:
		t.linear.lookupBatch(keys, out)
	case len(t.stages) == 1:
		s := t.stages[0]
		for i, k := range keys {
			out[i] = int32(s.lookup(k))
		}
	default:
		for i, k := range keys {
			out[i] = t.LookupKey(k)
		}
	}
}
