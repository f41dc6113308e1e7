// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// private is the private state of one resource.
type private map[string][]byte

func (p private) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) { return p[key], nil }

func (p private) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	p[key] = value
	return nil
}

func token(t *testing.T, prior, next private) string {
	t.Helper()
	text, diags := Token(context.Background(), prior, next)
	if diags.HasError() || text == "" {
		t.Fatal(text, diags)
	}
	return text
}

// Terraform plans a replacement twice, passing on the private state of the
// first time; another resource has a private state of its own.
func TestTokenTellsResourcesApart(t *testing.T) {
	a, b := private{}, private{}
	first := token(t, private{}, a)
	if again := token(t, a, private{}); again != first {
		t.Errorf("planned twice: %s and %s", first, again)
	}
	if other := token(t, private{}, b); other == first {
		t.Errorf("two resources have token %s", other)
	}
	if text := token(t, private{tokenKey: []byte("not JSON")}, private{}); text == "" {
		t.Error("a damaged token is not replaced")
	}
}

func TestClaim(t *testing.T) {
	s := &Session{}
	for range 2 {
		if !s.Claim("output gate a:0", "x") {
			t.Error("a resource planned twice is refused")
		}
	}
	if s.Claim("output gate a:0", "y") {
		t.Error("a second resource gets the gate")
	}
	if !s.Claim("output gate a:1", "y") {
		t.Error("another gate is refused")
	}
}

func TestPlanTC(t *testing.T) {
	for name, c := range map[string]struct {
		parents [][2]string // child, parent in the order of planning
		loop    []string    // that the last one closes
	}{
		"chain":        {[][2]string{{"a", ""}, {"b", "a"}, {"c", "b"}}, nil},
		"itself":       {[][2]string{{"a", "a"}}, []string{"a", "a"}},
		"two":          {[][2]string{{"a", "b"}, {"b", "a"}}, []string{"b", "a", "b"}},
		"three":        {[][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}}, []string{"c", "a", "b", "c"}},
		"into a loop":  {[][2]string{{"a", "b"}, {"b", "a"}, {"c", "a"}}, nil},
		"not known":    {[][2]string{{"a", "elsewhere"}}, nil},
		"planned anew": {[][2]string{{"a", "b"}, {"a", ""}, {"b", "a"}}, nil},
	} {
		s := &Session{}
		var loop []string
		for _, p := range c.parents {
			loop = s.PlanTC(p[0], TC{Policy: "round_robin", Parent: p[1]})
		}
		if !slices.Equal(loop, c.loop) {
			t.Errorf("%s: loop %v, want %v", name, loop, c.loop)
		}
	}
}

func TestPlanned(t *testing.T) {
	s := &Session{}
	if _, ok := s.PlannedClass("a"); ok {
		t.Error("a module nobody planned is known")
	}
	s.PlanModule("a", "Sink")
	if class, ok := s.PlannedClass("a"); !ok || class != "Sink" {
		t.Error(class, ok)
	}
	s.PlanTC("t", TC{Policy: "priority"})
	if tc, ok := s.PlannedTC("t"); !ok || tc.Policy != "priority" {
		t.Error(tc, ok)
	}
}
