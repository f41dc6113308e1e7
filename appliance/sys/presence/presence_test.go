// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package presence

import "testing"

func TestNote(t *testing.T) {
	var n Note
	if s := n.State("x"); s != (State{Interface: "x"}) {
		t.Fatalf("%+v", s)
	}
	n.Back("nothing was lost")
	if s := n.State("x"); s != (State{Interface: "x"}) {
		t.Fatalf("%+v", s)
	}
	n.Lost("one")
	first := n.State("x")
	n.Lost("two")
	second := n.State("x")
	if !first.Away || first.Reason != "one" || first.Losses != 1 || first.Since.IsZero() {
		t.Errorf("%+v", first)
	}
	if !second.Away || second.Reason != "two" || second.Losses != 1 || second.Since != first.Since {
		t.Errorf("%+v", second)
	}
	n.Back("fast")
	if s := n.State("y"); s.Away || s.Reason != "two" || s.Mode != "fast" || s.Losses != 1 || s.Since.Before(first.Since) || s.Interface != "y" {
		t.Errorf("%+v", s)
	}
	n.Lost("three")
	if s := n.State("y"); !s.Away || s.Mode != "" || s.Losses != 2 {
		t.Errorf("%+v", s)
	}
}
