// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package scalar holds what schemas/args and schemas/craft share: reading
// single values out of generic data (as YAML, JSON and Terraform decode it),
// strict parsers for addresses and hex, paths, findings and spelling help.
package scalar

import "strings"

// Finding is one problem in a generic value or message. A caller collects
// them all, so that a user sees every mistake of a document at once.
type Finding struct {
	// Path leads to the value from the root, for example "rules[3].src_ip".
	// It is empty when the root itself is meant.
	Path string
	// Value is the offending value as shown to people: strings quoted, long
	// ones cut. It is empty when there is no value (a missing field).
	Value string
	// Msg says what is wrong, lower case, without a full stop.
	Msg string
	// Hint says how to repair it ("did you mean \"src_ip\"?"), or is empty.
	Hint string
}

// String joins the parts: `rules[3].src_ip: "10.0.0.0/40": prefix length must
// be 0..32`. The hint follows in parentheses.
func (f Finding) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{f.Path, f.Value, f.Msg} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	text := strings.Join(parts, ": ")
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return text
}

// Text joins findings, one a line when there are several.
func Text(fs []Finding) string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// DidYouMean returns the hint for word among candidates, or "".
func DidYouMean(word string, candidates []string) string {
	if s := Suggest(word, candidates); s != "" {
		return "did you mean \"" + s + "\"?"
	}
	return ""
}
