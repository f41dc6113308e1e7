// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import "slices"

// edit is the change of one setting: from what it was to what it was made. Once
// made it is not changed itself, so that a journal can be copied.
type edit[T any] struct {
	Old T `json:"old"`
	New T `json:"new"`
	// asked are the users that asked for a value, the last one's being in effect.
	asked []request[T]
}

type request[T any] struct {
	by   *Interface
	want T
}

func equal[T comparable](a, b T) bool { return a == b }

// ask returns the edit with what a user asks for as the last request. What the
// setting was before all of them stays. To ask for what nobody had to change
// changes nothing.
func (e *edit[T]) ask(by *Interface, now, want T, same func(a, b T) bool) *edit[T] {
	next := &edit[T]{Old: now, New: want}
	switch {
	case e != nil:
		next.Old, next.asked = e.Old, e.without(by)
	case same(now, want):
		return nil
	}
	next.asked = append(next.asked, request[T]{by, want})
	return next
}

// leave returns the edit without a user's request, nil if nobody has another
// one, and what is to be put back, nil if that is nothing.
func (e *edit[T]) leave(by *Interface, same func(a, b T) bool) (rest, back *edit[T]) {
	if e == nil {
		return nil, nil
	}
	asked := e.without(by)
	if len(asked) == 0 {
		return nil, e
	}
	want := asked[len(asked)-1].want
	rest = &edit[T]{Old: e.Old, New: want, asked: asked}
	if !same(want, e.New) {
		back = &edit[T]{Old: want, New: e.New}
	}
	return rest, back
}

func (e *edit[T]) without(by *Interface) []request[T] {
	return slices.DeleteFunc(slices.Clone(e.asked), func(r request[T]) bool { return r.by == by })
}
