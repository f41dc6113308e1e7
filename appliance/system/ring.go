// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"errors"
	"strings"
	"sync"
	"time"
)

// Priorities of lines, as syslog has them.
const (
	PriorityError   = 3
	PriorityWarning = 4
	PriorityInfo    = 6
	PriorityDebug   = 7
)

// Where lines come from.
const (
	FromDaemon = "bessd"
	FromKernel = "kernel"
	FromInit   = "init"
)

const (
	// ringLines is how many lines are kept.
	ringLines = 8192
	// maxLine is how much of a line is kept, in bytes: the ring is bounded.
	maxLine = 1024
)

// Line is a line of the log.
type Line struct {
	Number   uint64 // from 1
	Time     time.Time
	Priority int
	Source   string
	Text     string
}

// Ring keeps the last lines of the log. Safe for concurrent use; adding never
// waits for readers.
type Ring struct {
	mu    sync.Mutex
	lines [ringLines]Line
	next  uint64        // number of the line to come
	more  chan struct{} // closed when it has come
	made  time.Time
}

// NewRing returns a ring without lines.
func NewRing() *Ring { return &Ring{next: 1, more: make(chan struct{}), made: time.Now()} }

// Add adds a line, without its line feed, and cuts it if it is too long.
func (r *Ring) Add(at time.Time, priority int, source, text string) {
	if len(text) > maxLine {
		text = text[:maxLine-len("…")] + "…"
	}
	// The wire takes UTF-8 only.
	l := Line{Time: at, Priority: priority, Source: source, Text: strings.ToValidUTF8(text, "?")}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.Number = r.next
	r.lines[r.next%ringLines] = l
	r.next++
	close(r.more)
	r.more = make(chan struct{})
}

// ErrLost says that lines have made room for others before they were read.
var ErrLost = errors.New("lines were lost: they come faster than they are read")

// From returns up to most lines from a number on and a channel that is closed
// when there is one more. Errors: ErrLost.
func (r *Ring) From(number uint64, most int) ([]Line, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number < r.oldest() {
		return nil, nil, ErrLost
	}
	var list []Line
	for ; number < r.next && len(list) < most; number++ {
		list = append(list, r.lines[number%ringLines])
	}
	return list, r.more, nil
}

func (r *Ring) oldest() uint64 {
	if r.next <= ringLines {
		return 1
	}
	return r.next - ringLines
}

// Last returns the last n lines (0: all) of at most the given priority, and
// the number of the line to come.
func (r *Ring) Last(n int, priority int) ([]Line, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var back []Line
	for i := r.next; i > r.oldest() && (n == 0 || len(back) < n); {
		i--
		if l := r.lines[i%ringLines]; l.Priority <= priority {
			back = append(back, l)
		}
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back, r.next
}
