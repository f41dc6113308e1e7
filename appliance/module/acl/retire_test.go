// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"testing"

	acltable "github.com/bessform/terraform-provider-bess/appliance/table/acl"
)

// long returns n rules, enough for tables outside the Go heap.
func long(n int) []rule {
	rules := make([]rule, n)
	for i := range rules {
		rules[i] = rule{match: acltable.Rule{Src: uint32(i) << 8, SrcLen: 24}, established: i%2 == 1}
	}
	return rules
}

func instance(t *testing.T, workers ...int) *ACL {
	t.Helper()
	m, err := create(nil, &ACLArg{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetWorkers(workers)
	t.Cleanup(m.Close)
	return m
}

func publish(t *testing.T, m *ACL, n int) *tables {
	t.Helper()
	if err := m.publish(long(n)); err != nil {
		t.Fatal(err)
	}
	return m.list.Load().tables
}

// freed reports whether the memory of both tables is gone.
func freed(t *tables) bool { return t.all.Memory() == 0 && t.fresh.Memory() == 0 }

// A table stays as long as a worker may be reading it, and no longer.
func TestTablesAreFreedWhenNobodyReadsThem(t *testing.T) {
	m := instance(t, 0, 3)
	first := publish(t, m, 100)
	if freed(first) {
		t.Fatal("the table is not outside the heap: the test is worth nothing")
	}
	second := publish(t, m, 101)
	if !freed(first) {
		t.Error("no worker is in Process, and the first table was not freed")
	}

	w := m.workers[3].Load()
	w.enter()
	third := publish(t, m, 102)
	if freed(second) {
		t.Fatal("the second table was freed under a worker")
	}
	fourth := publish(t, m, 103)
	if freed(second) || freed(third) {
		t.Fatal("tables were freed under a worker")
	}
	w.leave()
	w.enter() // takes the fourth
	fifth := publish(t, m, 104)
	if !freed(second) || !freed(third) {
		t.Error("the worker has been outside, and the tables were not freed")
	}
	if freed(fourth) {
		t.Error("the fourth table was freed under a worker")
	}
	w.leave()
	if len(m.retired) != 1 {
		t.Errorf("%d tables wait, want 1", len(m.retired))
	}
	publish(t, m, 1)
	if !freed(fourth) || !freed(fifth) || len(m.retired) != 0 {
		t.Errorf("tables wait: %d", len(m.retired))
	}
}

// A worker that fell out of Process by a panic does not stop changes, and its
// next batch puts things right.
func TestEpochAfterAPanic(t *testing.T) {
	m := instance(t, 0)
	first := publish(t, m, 100)
	w := m.workers[0].Load()
	w.enter() // and never leaves
	publish(t, m, 101)
	if freed(first) {
		t.Fatal("freed under a worker")
	}
	w.enter()
	if w.epoch.Load()&1 != 1 {
		t.Fatal("the worker is inside and its epoch is even")
	}
	w.leave()
	publish(t, m, 102)
	if !freed(first) {
		t.Error("not freed after the worker's next batch")
	}
}

// Close frees what is in use and what waits.
func TestClose(t *testing.T) {
	m, err := create(nil, &ACLArg{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetWorkers([]int{0})
	first := publish(t, m, 100)
	m.workers[0].Load().enter()
	second := publish(t, m, 101)
	m.Close()
	if !freed(first) || !freed(second) {
		t.Error("memory is left")
	}
}

// A worker that nobody announced is prepared by its first batch.
func TestJoin(t *testing.T) {
	m := instance(t)
	if err := m.publish(long(3)); err != nil {
		t.Fatal(err)
	}
	w := m.join(63)
	if w == nil || m.workers[63].Load() != w || m.join(63) != w {
		t.Fatal("no worker, or another one each time")
	}
	if n := len(m.list.Load().views[63].cells); n != 3 {
		t.Errorf("%d cells, want 3", n)
	}
	m.SetWorkers([]int{63})
	if m.workers[63].Load() != w {
		t.Error("announcing it replaced it")
	}
}

// The table for IPv6 goes with those for IPv4.
func TestTableForIPv6IsFreedAlike(t *testing.T) {
	m := instance(t, 0)
	rules := long(100)
	for i := range rules {
		rules[i].six = i%2 == 0
		rules[i].match6 = acltable.Rule6{Src: [2]uint64{uint64(i)}, SrcLen: 64}
	}
	if err := m.publish(rules); err != nil {
		t.Fatal(err)
	}
	first := m.list.Load().tables.six.all
	if first.Memory() == 0 {
		t.Fatal("the table is not outside the heap: the test is worth nothing")
	}
	w := m.workers[0].Load()
	w.enter()
	publish(t, m, 100)
	if first.Memory() == 0 {
		t.Error("the table was freed under a worker")
	}
	w.leave()
	publish(t, m, 101)
	if first.Memory() != 0 {
		t.Error("no worker is in Process, and the table was not freed")
	}
}
