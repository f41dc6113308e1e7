// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestFramesPlain(t *testing.T) {
	var out, errs bytes.Buffer
	f := &frames{out: &out, err: &errs, title: "monitor x"}
	for _, text := range []string{"one\n", "two\n"} {
		if err := f.frame("12:00:00", text); err != nil {
			t.Fatal(err)
		}
	}
	f.end()
	if want := "monitor x  12:00:00\none\n\nmonitor x  12:00:00\ntwo\n\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	gone := errors.New("no daemon answers")
	f.trouble(gone)
	f.trouble(gone)
	f.trouble(errors.New("another thing"))
	f.fine()
	f.fine()
	f.note("counters have started over")
	want := "bessctl: no daemon answers; waiting\nbessctl: another thing; waiting\nbessctl: it is back\nbessctl: counters have started over\n"
	if errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}

func TestFramesTerminal(t *testing.T) {
	var out bytes.Buffer
	width, height := 10, 5
	f := &frames{out: &out, title: "title", colours: true, size: func() (int, int) { return width, height }}
	shown := func(subtitle, text string) string {
		out.Reset()
		if err := f.frame(subtitle, text); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got, want := shown("s", "one\n"), "\x1b[?25l\x1b[2J\x1b[H\x1b[1mtitle  s\x1b[0m\x1b[K\none\x1b[K\n\x1b[J"; got != want {
		t.Errorf("first: %q, want %q", got, want)
	}
	f.colours = false
	if got, want := shown("long subtitle", "123456789äö\n"), "\x1b[Htitle  lo…\x1b[K\n123456789…\x1b[K\n\x1b[J"; got != want {
		t.Errorf("wide: %q, want %q", got, want)
	}
	if got, want := shown("", "1\n2\n3\n4\n5\n"), "\x1b[Htitle  \x1b[K\n1\x1b[K\n2\x1b[K\n… 3 more …\x1b[K\n\x1b[J"; got != want {
		t.Errorf("high: %q, want %q", got, want)
	}
	width, height = 80, 24 // the window has grown
	f.note("counters have started over")
	if got, want := shown("", "1\n"), "\x1b[Htitle    (counters have started over)\x1b[K\n1\x1b[K\n\x1b[J"; got != want {
		t.Errorf("note: %q, want %q", got, want)
	}
	out.Reset()
	f.trouble(errors.New("no daemon answers"))
	if got := out.String(); !strings.Contains(got, "no daemon answers") || !strings.Contains(got, "waiting") {
		t.Errorf("trouble: %q", got)
	}
	out.Reset()
	f.end()
	if out.String() != "\x1b[?25h" {
		t.Errorf("end: %q", out.String())
	}
	width, height = 1, 1
	if got, want := shown("", "12\n34\n"), "\x1b[H…\x1b[K\n…\x1b[K\n\x1b[J"; got != want {
		t.Errorf("tiny: %q, want %q", got, want)
	}
}
