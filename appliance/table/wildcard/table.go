// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"cmp"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// MaxMasks is the most different masks of a table.
const MaxMasks = 1024

// Rule is what a table holds.
type Rule struct {
	Key, Mask []uint64 // Key has no bits outside Mask
	Priority  int32    // larger wins; of equal ones the rule added last
	Value     []uint64
}

// View is what readers see. It is loaded once per batch, between Enter and
// Leave of the table's rcu.Domain, and valid until Leave. Immutable.
type View struct {
	tuples  []tuple // by falling highest priority
	version uint64  // never the same for different contents
	words   int
	sieve   *sieve            // nil if there are too few masks for one, or too many
	places  [sieveMasks]uint8 // of the masks in tuples, by their numbers in the sieve
	numbers uint64            // those that there are
}

// tuple is the rules of one mask. The first value word in rules is the rank.
type tuple struct {
	mask  []uint64
	rules *exact.Table
	best  uint64 // no rank in rules is higher
	id    uint8  // number in the sieve
}

// versions numbers all views of all tables, so that a Memo can tell them apart.
var versions atomic.Uint64

// rank orders rules: by priority, then by when they were added.
func rank(priority int32, seq uint32) uint64 {
	return uint64(uint32(priority)^1<<31)<<32 | uint64(seq)
}

func priority(rank uint64) int32 { return int32(uint32(rank>>32) ^ 1<<31) }

// Table is the writer's side. Its methods, but for View and Len, are not safe
// for concurrent use.
type Table struct {
	view   atomic.Pointer[View]
	live   atomic.Int64
	words  int // of a key
	values int // words of a value
	limit  int // rules per mask
	seq    uint32
	sieve  *sieve // of the view
	domain *rcu.Domain
}

// New returns an empty table of at most limit rules for each mask, with keys of
// words words and values of values words. Readers enter and leave domain.
// Errors: EINVAL for figures out of range.
func New(words, values, limit int, domain *rcu.Domain) (*Table, error) {
	if words < 1 || words > exact.MaxWords || values < 1 || limit < 1 || limit > exact.MaxEntries {
		return nil, errno.Errorf(errno.EINVAL, "table of %d rules per mask with keys of %d words and values of %d: must be 1..%d rules, 1..%d words and at least 1", limit, words, values, exact.MaxEntries, exact.MaxWords)
	}
	t := &Table{words: words, values: values, limit: limit, domain: domain}
	t.view.Store(&View{words: words, version: versions.Add(1)})
	return t, nil
}

// View returns the present state for readers.
func (t *Table) View() *View { return t.view.Load() }

// Len returns the number of rules. Safe for any goroutine.
func (t *Table) Len() int { return int(t.live.Load()) }

// Limit returns the largest number of rules per mask.
func (t *Table) Limit() int { return t.limit }

// Masks returns the number of different masks.
func (t *Table) Masks() int { return len(t.view.Load().tuples) }

func (v *View) index(mask []uint64) int {
	return slices.IndexFunc(v.tuples, func(u tuple) bool { return slices.Equal(u.mask, mask) })
}

// Set adds a rule, or replaces priority and value of the one with this key and
// mask. Errors: ENOSPC if there are MaxMasks masks or the mask has its limit of
// rules, ENOMEM, EAGAIN as exact.Table.Set.
func (t *Table) Set(r Rule) error {
	v := t.view.Load()
	tuples := slices.Clone(v.tuples)
	i := v.index(r.Mask)
	if i < 0 {
		if len(tuples) >= MaxMasks {
			return errno.Errorf(errno.ENOSPC, "no room for another combination of masks: there are %d", MaxMasks)
		}
		rules, err := exact.New(t.words, 1+t.values, t.limit, t.domain)
		if err != nil {
			return err
		}
		i = len(tuples)
		tuples = append(tuples, tuple{mask: slices.Clone(r.Mask), rules: rules})
	}
	if t.seq == 1<<32-1 {
		t.renumber()
	}
	t.seq++
	rk := rank(r.Priority, t.seq)
	tuples[i].best = max(tuples[i].best, rk)
	rules := tuples[i].rules
	before := rules.Len()
	t.sift(tuples, i, r.Key)
	// Readers must know of the new priority before they can meet the rule.
	t.publish(tuples)
	if err := rules.Set(r.Key, append([]uint64{rk}, r.Value...)); err != nil {
		if before == 0 {
			t.drop(rules)
		}
		return err
	}
	t.live.Add(int64(rules.Len() - before))
	t.touch()
	return nil
}

// renumber gives all rules the numbers 1, 2 and so on, in the order in which
// they were added: after four billion changes.
func (t *Table) renumber() {
	rules := slices.SortedFunc(t.ranked(), func(a, b ranked) int { return cmp.Compare(uint32(a.rank), uint32(b.rank)) })
	for i, r := range rules {
		value := slices.Clone(r.value)
		value[0] = r.rank>>32<<32 | uint64(i+1)
		_ = r.rules.Set(r.key, value) // the rule is there: no room is needed
	}
	t.seq = uint32(len(rules))
}

type ranked struct {
	rank       uint64
	rules      *exact.Table
	key, value []uint64
}

func (t *Table) ranked() iter.Seq[ranked] {
	return func(yield func(ranked) bool) {
		for _, u := range t.view.Load().tuples {
			for k, v := range u.rules.All() {
				if !yield(ranked{v[0], u.rules, slices.Clone(k), slices.Clone(v)}) {
					return
				}
			}
		}
	}
}

// sift sees to it that the sieve lets a rule of tuple i pass.
func (t *Table) sift(tuples []tuple, i int, key []uint64) {
	u := &tuples[i]
	known := u.rules.Len() > 0
	switch {
	case len(tuples) < memoMasks || len(tuples) > sieveMasks:
		t.sieve = nil
		return
	case t.sieve == nil || !known && (t.sieve.ids == sieveMasks || !t.sieve.covers(u.mask)):
		t.sieve = newSieve(t.words, tuples)
	case !known:
		t.sieve.addMask(u)
	}
	t.sieve.add(u, key)
}

// unsift builds the sieve again when most of the rules that it lets pass are
// gone, so that each of them costs the same small part of that.
func (t *Table) unsift(tuples []tuple) {
	if t.sieve == nil {
		return
	}
	if t.sieve.gone++; t.sieve.gone > 64 && t.sieve.gone > t.Len() {
		t.sieve = newSieve(t.words, tuples)
	}
}

// publish makes tuples, ordered, the readers' view.
func (t *Table) publish(tuples []tuple) {
	slices.SortStableFunc(tuples, func(a, b tuple) int { return cmp.Compare(b.best, a.best) })
	v := &View{tuples: tuples, words: t.words, version: versions.Add(1), sieve: t.sieve}
	if t.sieve != nil {
		for i := range tuples {
			v.places[tuples[i].id] = uint8(i)
			v.numbers |= 1 << tuples[i].id
		}
	}
	t.view.Store(v)
}

// touch makes memos forget.
func (t *Table) touch() { t.publish(slices.Clone(t.view.Load().tuples)) }

// drop takes a mask out.
func (t *Table) drop(rules *exact.Table) {
	t.publish(slices.DeleteFunc(slices.Clone(t.view.Load().tuples), func(u tuple) bool { return u.rules == rules }))
	rules.Retire()
}

// Delete removes a rule, and its mask with the last one, and reports whether
// there was one.
func (t *Table) Delete(key, mask []uint64) bool {
	v := t.view.Load()
	i := v.index(mask)
	if i < 0 || !v.tuples[i].rules.Delete(key) {
		return false
	}
	t.live.Add(-1)
	tuples := slices.Clone(v.tuples)
	empty := tuples[i].rules.Len() == 0
	if empty {
		tuples = slices.Delete(tuples, i, i+1)
	}
	t.unsift(tuples)
	t.publish(tuples)
	if empty {
		v.tuples[i].rules.Retire()
	}
	return true
}

// Clear removes all rules.
func (t *Table) Clear() {
	old := t.view.Load()
	t.sieve = nil
	t.publish(nil)
	t.live.Store(0)
	t.seq = 0
	for _, u := range old.tuples {
		u.rules.Retire()
	}
}

// All returns every rule, in no particular order. The slices are valid until
// the next change.
func (t *Table) All() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		for _, u := range t.view.Load().tuples {
			for k, v := range u.rules.All() {
				if !yield(Rule{Key: k, Mask: u.mask, Priority: priority(v[0]), Value: v[1:]}) {
					return
				}
			}
		}
	}
}

// SetLimit changes the largest number of rules per mask. Errors: EINVAL for a
// limit out of range, ENOSPC if a mask has more rules; then nothing changes.
func (t *Table) SetLimit(limit int) error {
	tuples := t.view.Load().tuples
	for i, u := range tuples {
		if err := u.rules.SetLimit(limit); err != nil {
			for _, done := range tuples[:i] {
				_ = done.rules.SetLimit(t.limit) // what it was
			}
			return err
		}
	}
	t.limit = limit
	return nil
}

// Retire has the table's memory freed when no reader can be in it. It is not
// used afterwards.
func (t *Table) Retire() {
	for _, u := range t.view.Load().tuples {
		u.rules.Retire()
	}
}
