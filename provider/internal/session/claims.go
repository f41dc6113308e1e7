// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// claims holds what the resources of a plan want to own. Terraform plans
// resources one by one and a provider never learns their addresses, so a
// resource that is planned twice (as every replacement is) and two resources
// that want the same look alike. They are told apart by a token that travels
// in the resource's private state.
type claims struct {
	mu      sync.Mutex
	owner   map[string]string // what is claimed -> token
	classes map[string]string // module -> class, as planned
	tcs     map[string]TC     // traffic class -> what is planned for it
}

// TC is what is planned for a traffic class.
type TC struct{ Policy, Parent string }

// Private is the part of a resource's private state that is needed here.
type Private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// tokenKey is the key of the token in the private state.
const tokenKey = "claim"

// Token returns the token of the resource being planned, making one if it has
// none yet. prior is the private state so far, next the one to be kept.
func Token(ctx context.Context, prior, next Private) (string, diag.Diagnostics) {
	data, diags := prior.GetKey(ctx, tokenKey)
	var token string
	if len(data) > 0 && json.Unmarshal(data, &token) == nil && token != "" {
		return token, diags
	}
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	token = hex.EncodeToString(raw)
	data, _ = json.Marshal(token) // a string always has a JSON form
	diags.Append(next.SetKey(ctx, tokenKey, data)...)
	return token, diags
}

// Claim says that the resource with the token wants what ("output gate
// src:0"). It returns false if another resource of this plan wants it too.
func (s *Session) Claim(what, token string) bool {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.owner == nil {
		s.claims.owner = map[string]string{}
	}
	if other, taken := s.claims.owner[what]; taken && other != token {
		return false
	}
	s.claims.owner[what] = token
	return true
}

// PlanModule notes the class that a module will have.
func (s *Session) PlanModule(name, class string) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.classes == nil {
		s.claims.classes = map[string]string{}
	}
	s.claims.classes[name] = class
}

// PlannedClass returns the class of a module that has been planned already.
func (s *Session) PlannedClass(name string) (string, bool) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	class, ok := s.claims.classes[name]
	return class, ok
}

// PlanTC notes a traffic class. It returns the names of the loop that it
// closes with those noted before, first and last being the same, or nil.
func (s *Session) PlanTC(name string, tc TC) (loop []string) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.tcs == nil {
		s.claims.tcs = map[string]TC{}
	}
	s.claims.tcs[name] = tc
	path := []string{name}
	for next := tc.Parent; next != ""; next = s.claims.tcs[next].Parent {
		path = append(path, next)
		if next == name {
			return path
		}
		if len(path) > len(s.claims.tcs)+1 {
			return nil // a loop elsewhere, reported where it was closed
		}
	}
	return nil
}

// PlannedTC returns a traffic class that has been planned already.
func (s *Session) PlannedTC(name string) (TC, bool) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	tc, ok := s.claims.tcs[name]
	return tc, ok
}
