// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package presence is whether the interface behind a port is there. Whoever
// drives an interface notes when it goes and comes; who wants to know looks at
// the notes, so that neither waits for the other.
package presence

import (
	"sync"
	"time"
)

// State says whether an interface is there.
type State struct {
	// Interface is its name.
	Interface string
	// Away: it is not there, or is not in use since it came again.
	Away bool
	// Reason is why it went away the last time or, while it is away, why it is
	// not in use; "" if it has always been there.
	Reason string
	// Since is when Away became what it is, the zero time if it has always been
	// there.
	Since time.Time
	// Losses is how often it went away.
	Losses uint64
	// Mode is how it is driven since it came again.
	Mode string
}

// Note keeps the state of one interface. The zero value is that of one which is
// there. Safe for concurrent use; nobody holds it for long.
type Note struct {
	mu sync.Mutex
	s  State
}

// Lost notes that the interface went away. Noting it again changes the reason.
func (n *Note) Lost(reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.s.Away {
		n.s.Away, n.s.Since, n.s.Mode = true, time.Now(), ""
		n.s.Losses++
	}
	n.s.Reason = reason
}

// Back notes that the interface is there and in use again.
func (n *Note) Back(mode string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.s.Away {
		n.s.Away, n.s.Since, n.s.Mode = false, time.Now(), mode
	}
}

// State returns the state of an interface of that name.
func (n *Note) State(name string) State {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.s
	s.Interface = name
	return s
}
