// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// historyEvery is how often the file is looked at for new lines.
const historyEvery = time.Second

// history reads a file that others append to, and that may be renamed and
// begun anew.
type history struct {
	ring  *Ring
	path  string
	file  *os.File
	in    *bufio.Reader
	begun string // a line without its end
}

// FollowHistory adds the lines of a file that whoever starts the daemon
// writes, those that are there and, until the context ends, those to come:
//
//	2026-01-02T03:04:05.006Z 3 init: text
//
// with time (RFC 3339), priority (syslog's, 0 to 7) and source; other lines are
// init's, of the time of the file. What the daemon itself has said since the
// ring was made is in the ring already, and left out. Errors: those of reading
// the file.
func (r *Ring) FollowHistory(ctx context.Context, path string) error {
	h := &history{ring: r, path: path}
	if err := h.open(); err != nil {
		return err
	}
	if err := h.read(); err != nil {
		_ = h.file.Close()
		return err
	}
	if h.begun != "" {
		h.add(h.begun)
		h.begun = ""
	}
	go h.follow(ctx)
	return nil
}

func (h *history) open() error {
	f, err := os.Open(h.path)
	if err != nil {
		return err
	}
	h.file, h.in = f, bufio.NewReader(f)
	return nil
}

// follow looks for more lines until the context ends.
func (h *history) follow(ctx context.Context) {
	defer func() { _ = h.file.Close() }()
	tick := time.NewTicker(historyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		renamed := h.renamed() // before reading: nothing is added to it afterwards
		if h.read() != nil {
			return
		}
		if !renamed {
			continue
		}
		old := h.file
		if h.open() == nil {
			_ = old.Close()
			h.begun = ""
		}
	}
}

// renamed reports whether the path means another file by now.
func (h *history) renamed() bool {
	now, err := os.Stat(h.path)
	was, err2 := h.file.Stat()
	return err == nil && err2 == nil && !os.SameFile(now, was)
}

// read adds what is there.
func (h *history) read() error {
	for {
		text, err := h.in.ReadString('\n')
		h.begun += text
		if err == io.EOF {
			if len(h.begun) > maxHistoryLine {
				h.begun = h.begun[:maxHistoryLine]
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", h.path, err)
		}
		h.add(h.begun)
		h.begun = ""
	}
}

// maxHistoryLine bounds a line that does not end; the ring cuts at less.
const maxHistoryLine = 64 << 10

func (h *history) add(text string) {
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return
	}
	l, ok := parseHistory(text)
	if !ok {
		l = Line{Priority: PriorityInfo, Source: FromInit, Text: text}
		if info, err := h.file.Stat(); err == nil {
			l.Time = info.ModTime()
		}
	}
	if l.Source == FromDaemon && !l.Time.Before(h.ring.made) {
		return
	}
	h.ring.Add(l.Time, l.Priority, l.Source, l.Text)
}

// parseHistory reads a line of the form that FollowHistory tells.
func parseHistory(text string) (l Line, ok bool) {
	head, rest, _ := strings.Cut(text, " ")
	priority, rest, _ := strings.Cut(rest, " ")
	source, rest, found := strings.Cut(rest, ": ")
	at, err := time.Parse(time.RFC3339, head)
	n, err2 := strconv.ParseUint(priority, 10, 3)
	if !found || err != nil || err2 != nil || source == "" || strings.Contains(source, " ") {
		return Line{}, false
	}
	return Line{Time: at, Priority: int(n), Source: source, Text: rest}, true
}
