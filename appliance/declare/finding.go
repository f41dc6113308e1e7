// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a Finding is.
type Severity string

// The severities.
const (
	// Error means that the declaration cannot be applied.
	Error Severity = "error"
	// Warning means that it can, but probably does not do what was meant.
	Warning Severity = "warning"
)

// Finding is one thing that is wrong with, or odd about, a declaration.
type Finding struct {
	Severity Severity
	Pos      Position
	// Object is what it is about, for example "module fw"; empty for the
	// document as a whole.
	Object string
	// Field is the place within the object, for example
	// "args.rules[3].src_ip".
	Field string
	// Message says what is wrong, with the value.
	Message string
	// Hint says what to do about it.
	Hint string
}

// String returns `file:line:col: error: module fw: args.rules[3].src_ip: …`.
func (f Finding) String() string {
	var b strings.Builder
	if f.Pos.IsValid() {
		b.WriteString(f.Pos.String() + ": ")
	}
	b.WriteString(string(f.Severity))
	for _, part := range []string{f.Object, f.Field, f.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// HasErrors reports whether any of the findings is an error.
func HasErrors(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error })
}

// Text joins findings, one a line.
func Text(fs []Finding) string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// maxFindings bounds a report: a file that is no declaration at all can have
// a mistake in every line.
const maxFindings = 10_000

// report collects findings.
type report struct {
	list []Finding
	left int // found beyond maxFindings
	// leftErrors says that there were errors among those.
	leftErrors bool
	bad        map[Position]bool // where errors are
}

func (r *report) add(f Finding) {
	if len(r.list) >= maxFindings {
		r.left++
		r.leftErrors = r.leftErrors || f.Severity == Error
		return
	}
	r.list = append(r.list, f)
	if f.Severity == Error {
		if r.bad == nil {
			r.bad = map[Position]bool{}
		}
		r.bad[f.Pos] = true
	}
}

// errorf adds an error without field or hint.
func (r *report) errorf(pos Position, object, format string, a ...any) {
	r.add(Finding{Severity: Error, Pos: pos, Object: object, Message: fmt.Sprintf(format, a...)})
}

// field adds an error about a field.
func (r *report) field(pos Position, object, field, hint, format string, a ...any) {
	r.add(Finding{Severity: Error, Pos: pos, Object: object, Field: field, Hint: hint, Message: fmt.Sprintf(format, a...)})
}

// warnf adds a warning.
func (r *report) warnf(pos Position, object, format string, a ...any) {
	r.add(Finding{Severity: Warning, Pos: pos, Object: object, Message: fmt.Sprintf(format, a...)})
}

// sorted returns the findings by position; those at the same place and of the
// same object keep their order.
func (r *report) sorted() []Finding {
	slices.SortStableFunc(r.list, func(a, b Finding) int {
		return cmp.Or(a.Pos.compare(b.Pos), cmp.Compare(a.Severity, b.Severity))
	})
	if r.left > 0 {
		last := r.list[len(r.list)-1]
		severity := Warning
		if HasErrors(r.list) || r.leftErrors {
			severity = Error
		}
		r.list = append(r.list, Finding{Severity: severity, Pos: last.Pos, Message: fmt.Sprintf("%d more findings are not listed", r.left)})
		r.left = 0
	}
	return r.list
}
