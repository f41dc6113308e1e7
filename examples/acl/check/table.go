// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// expected is the table that examples/acl/expect has made.
type expected struct {
	Total          uint64   `json:"total"`
	Allowed        uint64   `json:"allowed"`
	DroppedByRule  []uint64 `json:"dropped_by_rule"`
	AllowedByRule  []uint64 `json:"allowed_by_rule"`
	DroppedDefault uint64   `json:"dropped_default"`
	DroppedNotIPv4 uint64   `json:"dropped_not_ipv4"`
}

// line is a line of a table. want is nil if nothing is expected.
type line struct {
	packets uint64
	what    string
	want    *uint64
}

// write prints lines and returns an error if one is not as expected.
func write(w io.Writer, lines []line) error {
	var wrong []error
	for _, l := range lines {
		mark := ""
		if l.want != nil && *l.want != l.packets {
			mark = fmt.Sprintf("   expected %d", *l.want)
			wrong = append(wrong, fmt.Errorf("%s: %d packets, expected %d", l.what, l.packets, *l.want))
		}
		if _, err := fmt.Fprintf(w, "  %12s  %s%s\n", thousands(l.packets), l.what, mark); err != nil {
			return err
		}
	}
	return errors.Join(wrong...)
}

// table prints where the packets of the recording went.
func table(w io.Writer, show, want []byte) error {
	r, err := parse(show)
	if err != nil {
		return err
	}
	var e expected
	if err := json.Unmarshal(want, &e); err != nil {
		return err
	}
	if len(r.rules) != len(e.AllowedByRule) {
		return fmt.Errorf("%d rules, expected %d", len(r.rules), len(e.AllowedByRule))
	}
	lines := []line{{r.in.Packets, "read from the recording", &e.Total}}
	for i, d := range r.rules {
		n := e.AllowedByRule[i] + e.DroppedByRule[i]
		lines = append(lines, line{d.packets, fmt.Sprintf("decided by rule %d: %s", i+1, d.rule), &n})
	}
	byRule := uint64(0)
	for _, n := range e.DroppedByRule {
		byRule += n
	}
	zero := uint64(0)
	lines = append(lines,
		line{r.allowed, "allowed", &e.Allowed},
		line{r.dropped, "dropped by a rule", &byRule},
		line{r.noRule, "dropped, no rule matches", &e.DroppedDefault},
		line{r.notIPv4, "dropped, not IPv4", &e.DroppedNotIPv4},
		line{r.out.Packets, "written to the result", &e.Allowed},
		line{r.in.Dropped + r.out.Dropped, "lost by the port", &zero},
	)
	return write(w, lines)
}

// balance prints where the packets of endless traffic went, and fails unless
// all are accounted for.
func balance(w io.Writer, show []byte) error {
	r, err := parse(show)
	if err != nil {
		return err
	}
	lines := []line{{r.in.Packets, "sent into the pipeline", nil}, {r.out.Packets, "= received at its end", nil},
		{r.dropped, "+ dropped by a rule", nil}, {r.noRule, "+ dropped, no rule matches", nil}, {r.notIPv4, "+ dropped, not IPv4", nil}}
	if err := write(w, lines); err != nil {
		return err
	}
	for i, d := range r.rules {
		if _, err := fmt.Fprintf(w, "  %12s  by rule %d since it is in the list: %s\n", thousands(d.packets), i+1, d.rule); err != nil {
			return err
		}
	}
	rest := int64(r.in.Packets - r.out.Packets - r.dropped - r.noRule - r.notIPv4)
	if rest != 0 || r.allowed != r.out.Packets || r.in.Dropped+r.out.Dropped != 0 {
		return fmt.Errorf("%d packets are not accounted for, %d were allowed, %d lost by ports", rest, r.allowed, r.in.Dropped+r.out.Dropped)
	}
	if r.in.Packets == 0 {
		return errors.New("no packet was sent")
	}
	_, err = fmt.Fprintln(w, "  nothing else: every packet is accounted for")
	return err
}

// thousands writes a number with a comma between groups of three digits.
func thousands(n uint64) string {
	digits := strings.Split(fmt.Sprint(n), "")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ",")
	}
	return strings.Join(digits, "")
}
