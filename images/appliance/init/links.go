// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// links gathers what is wrong with the network into one condition: a lease for
// one interface does not make up for another that is not there. Safe for
// concurrent use.
type links struct {
	facts *facts
	mu    sync.Mutex
	wrong map[string]string // by interface, or "" for all of them
	asked map[string]bool   // have not got a lease yet, nor a refusal
}

func newLinks(f *facts) *links {
	return &links{facts: f, wrong: map[string]string{}, asked: map[string]bool{}}
}

// asks notes that an interface waits for a lease.
func (l *links) asks(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[name] = true
	l.wrong[name] = "waiting for a DHCP lease"
	if name != "" {
		l.wrong[name] = name + ": " + l.wrong[name]
	}
	l.tell()
}

// bad notes that an interface is not well, and says so.
func (l *links) bad(name, format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.asked, name)
	l.wrong[name] = fmt.Sprintf(format, a...)
	logf(severe, "network: %s", l.wrong[name])
	l.tell()
}

// good notes that an interface is well.
func (l *links) good(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.asked, name)
	delete(l.wrong, name)
	l.tell()
}

func (l *links) tell() {
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(l.wrong)) {
		reasons = append(reasons, l.wrong[name])
	}
	l.facts.note("network", len(reasons) == 0, strings.Join(reasons, "; "))
}

// wait waits until nobody waits for a first lease, but not for ever.
func (l *links) wait(most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		l.mu.Lock()
		n := len(l.asked)
		l.mu.Unlock()
		if n == 0 {
			return
		}
	}
}
