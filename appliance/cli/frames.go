// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Sequences of ECMA-48 that every terminal knows.
const (
	clearScreen = "\x1b[2J"
	home        = "\x1b[H"
	clearLine   = "\x1b[K" // to its end
	clearRest   = "\x1b[J" // of the screen
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	bold        = "\x1b[1m"
	plain       = "\x1b[0m"
)

// frames shows one text after the other: in place on a terminal, else below
// each other.
type frames struct {
	out, err io.Writer
	title    string
	// size is that of the window; nil if the output is no terminal.
	size    func() (width, height int)
	colours bool
	drawn   bool
	last    string // trouble told last
	pending string // for the next frame
}

// newFrames finds out where the output goes.
func (a *app) newFrames(title string) *frames {
	f := &frames{out: a.Out, err: a.Err, title: title}
	if a.output != asTable {
		return f
	}
	if file, ok := a.Out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		f.size = func() (int, int) {
			w, h, err := term.GetSize(int(file.Fd()))
			if err != nil || w <= 0 || h <= 0 {
				return 80, 24
			}
			return w, h
		}
		f.colours = os.Getenv("NO_COLOR") == ""
	}
	return f
}

// frame shows a text under the title and a line of its own.
func (f *frames) frame(subtitle, text string) error {
	title := f.title + "  " + subtitle
	if f.pending != "" {
		title += "  (" + f.pending + ")"
		f.pending = ""
	}
	if f.size == nil {
		_, err := fmt.Fprintf(f.out, "%s\n%s\n", title, text)
		return err
	}
	return f.draw(title, text)
}

// draw replaces what is on the screen. Lines that do not fit are cut.
func (f *frames) draw(title, text string) error {
	width, height := f.size()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if room := max(height-2, 1); len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1], fmt.Sprintf("… %d more lines", more))
	}
	var b strings.Builder
	if !f.drawn {
		b.WriteString(hideCursor + clearScreen)
		f.drawn = true
	}
	b.WriteString(home)
	if f.colours {
		b.WriteString(bold + cut(title, width) + plain + clearLine + "\n")
	} else {
		b.WriteString(cut(title, width) + clearLine + "\n")
	}
	for _, l := range lines {
		b.WriteString(cut(l, width) + clearLine + "\n")
	}
	b.WriteString(clearRest)
	_, err := io.WriteString(f.out, b.String())
	return err
}

// cut shortens a line to the window's width.
func cut(line string, width int) string {
	runes := []rune(line)
	if len(runes) <= width {
		return line
	}
	return string(runes[:max(width-1, 0)]) + "…"
}

// note is told with the next frame; where frames have no title, at once.
func (f *frames) note(text string) {
	if f.size == nil {
		fmt.Fprintln(f.err, "bessctl: "+text)
		return
	}
	f.pending = text
}

// trouble tells why there is no frame, once for each reason.
func (f *frames) trouble(err error) {
	text := err.Error()
	if f.size != nil {
		_ = f.draw(f.title, text+"\nwaiting for it to come back; Ctrl-C ends") // the next frame meets the same error
	} else if text != f.last {
		fmt.Fprintf(f.err, "bessctl: %s; waiting\n", text)
	}
	f.last = text
}

// fine is told that there is something to show again.
func (f *frames) fine() {
	if f.last != "" && f.size == nil {
		fmt.Fprintln(f.err, "bessctl: it is back")
	}
	f.last = ""
}

// end leaves the terminal as it was.
func (f *frames) end() {
	if f.drawn {
		_, _ = io.WriteString(f.out, showCursor) // there is nothing to do about it
	}
}
