// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	acltable "github.com/bessform/terraform-provider-bess/appliance/table/acl"
)

// list is a list of rules in the form that packets meet. Immutable, but for
// the counters.
type list struct {
	rules  []rule
	tables *tables
	// views are the workers' own parts, nil for those not announced.
	views [module.MaxWorkers]*view
}

// view is a list as one worker has it.
type view struct {
	cells []cell // by number of the rule
	// all and fresh remember what the tables of these names answered; nil if
	// there is no such table, or a short one. They pass from list to list.
	all, fresh *acltable.Memo
}

// The number of flows that a memo can remember, and how long a list must be
// to have one: 256 kB are more than a short list deserves.
const (
	memoSlots = 1 << 14
	memoFrom  = 5
)

// cell is one rule in a view.
type cell struct {
	// packets counts matches. A rule that stays when the list changes keeps
	// its counter, so that no packet is counted in vain.
	packets *sys.Counter
	drop    bool
}

// tables are the compiled rules. A packet that cannot match a rule with
// established is looked up in a table without those rules, if there are any.
type tables struct {
	all   *acltable.Table
	fresh *acltable.Table // nil: all serves every packet
	index []int32         // rule numbers of fresh in all
	// number are the rule numbers of all in the list, and six are the rules
	// for IPv6; both nil if there are none.
	number []int32
	six    *six
	// sets says that all is asked for sets of packets: it has few rules, and
	// there are no others.
	sets bool
}

// six is the compiled rules for IPv6.
type six struct {
	all    *acltable.Table6
	number []int32 // rule numbers in the list
}

func newTables(rules []rule) (*tables, error) {
	t := &tables{}
	four, err := t.compile6(rules)
	if err != nil {
		return nil, err
	}
	if err := t.compile4(four); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

// compile6 takes the rules for IPv6 and returns the others.
func (t *tables) compile6(rules []rule) (four []rule, err error) {
	if !slices.ContainsFunc(rules, func(r rule) bool { return r.six }) {
		return rules, nil
	}
	var match []acltable.Rule6
	t.six, t.number = &six{}, []int32{}
	for i := range rules {
		if rules[i].six {
			match = append(match, rules[i].match6)
			t.six.number = append(t.six.number, int32(i))
			continue
		}
		four = append(four, rules[i])
		t.number = append(t.number, int32(i))
	}
	t.six.all, err = acltable.Build6(match)
	return four, err
}

// compile4 compiles the rules for IPv4.
func (t *tables) compile4(rules []rule) (err error) {
	all := make([]acltable.Rule, len(rules))
	var fresh []acltable.Rule
	var index []int32
	for i := range rules {
		all[i] = rules[i].match
		if !rules[i].established {
			fresh = append(fresh, rules[i].match)
			index = append(index, int32(i))
		}
	}
	if t.all, err = acltable.Build(all); err != nil {
		return err
	}
	if len(fresh) == len(all) {
		t.sets = t.all.HasSets() && t.six == nil
		return nil
	}
	t.index = index
	t.fresh, err = acltable.Build(fresh)
	return err
}

// release frees the tables' memory, also of those not all made. No worker may
// be reading it.
func (t *tables) release() {
	for _, four := range []*acltable.Table{t.all, t.fresh} {
		if four != nil {
			four.Release()
		}
	}
	if t.six != nil {
		t.six.all.Release()
	}
}

// newList compiles rules. Counters of rules that are also in old, if not nil,
// are taken from there.
func newList(rules []rule, old *list) (*list, error) {
	t, err := newTables(rules)
	if err != nil {
		return nil, err
	}
	l := &list{rules: rules, tables: t}
	if old == nil {
		return l, nil
	}
	from := origins(rules, old.rules)
	for id, v := range old.views {
		if v != nil {
			l.views[id] = l.newView(from, v)
		}
	}
	return l, nil
}

// newView returns one worker's part of l. from tells which cells of the old
// view, if any, go on.
func (l *list) newView(from []int, old *view) *view {
	v := &view{cells: newCells(l.rules, from, old.cells), all: old.all, fresh: old.fresh}
	if v.all == nil {
		v.all = newMemo(l.tables.all)
	}
	if v.fresh == nil {
		v.fresh = newMemo(l.tables.fresh)
	}
	return v
}

// newMemo returns a memo for a table that is worth one.
func newMemo(t *acltable.Table) *acltable.Memo {
	if t == nil || t.Len() < memoFrom {
		return nil
	}
	m, err := acltable.NewMemo(memoSlots)
	if err != nil {
		return nil // then the table is asked each time
	}
	return m
}

// origins returns for each rule its number in the old list, or -1. Of equal
// rules the first belongs to the first, and so on.
func origins(rules, old []rule) []int {
	from := make([]int, len(rules))
	// Mostly rules are appended: as long as both lists agree, that is all.
	same := 0
	for same < min(len(rules), len(old)) && rules[same] == old[same] {
		from[same] = same
		same++
	}
	// first is where a rule is in the rest of old, next where it is again.
	first := make(map[rule]int, len(old)-same)
	next := make([]int, len(old))
	for i := len(old) - 1; i >= same; i-- {
		next[i] = -1
		if j, ok := first[old[i]]; ok {
			next[i] = j
		}
		first[old[i]] = i
	}
	for i := same; i < len(rules); i++ {
		from[i] = -1
		if j, ok := first[rules[i]]; ok && j >= 0 {
			from[i], first[rules[i]] = j, next[j]
		}
	}
	return from
}

// newCells returns one worker's cells, with counters from old where from is
// not negative.
func newCells(rules []rule, from []int, old []cell) []cell {
	added := 0
	for _, j := range from {
		if j < 0 {
			added++
		}
	}
	counters := sys.NewCounters(added)
	cells := make([]cell, len(rules))
	for i := range cells {
		cells[i].drop = rules[i].drop
		if j := from[i]; j >= 0 {
			cells[i].packets = old[j].packets
			continue
		}
		cells[i].packets = &counters[0]
		counters = counters[1:]
	}
	return cells
}

// withWorker returns the list with a view for one more worker.
func (l *list) withWorker(id int) *list {
	n := *l
	n.views[id] = l.newView(origins(l.rules, nil), &view{})
	return &n
}
