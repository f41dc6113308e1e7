// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// severity of a line, as in syslog (RFC 5424).
type severity int

const (
	severe  severity = 3
	warning severity = 4
	notice  severity = 5
)

// logFile holds what is said since the machine started, for bessd to show
// (-log_history); the kernel's words it reads itself. When the file is full it
// becomes logFile.1 and a new one begins.
const (
	logFile    = runDir + "/log"
	maxLogFile = 1 << 20
	// maxWaiting is how many lines may wait for a slow console.
	maxWaiting = 1024
	maxLine    = 4096
)

// journal takes lines and hands them to the file and the consoles.
type journal struct {
	mu   sync.Mutex
	file *os.File
	size int
	last string      // of bessd
	out  chan string // to the consoles; nil before they are open
}

var log journal

// openLog opens what lines go to. Lines said before are lost, and there are
// none.
func openLog() {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.file, _ = os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	log.out = make(chan string, maxWaiting)
	go printAll(log.out, consoles())
}

// consoles opens all that the kernel prints to.
func consoles() (list []*os.File) {
	active, _ := os.ReadFile("/sys/class/tty/console/active")
	for _, name := range strings.Fields(string(active)) {
		f, err := os.OpenFile("/dev/"+name, os.O_WRONLY|unix.O_NOCTTY, 0)
		if err == nil {
			list = append(list, f)
		}
	}
	return list
}

// printAll writes to consoles on a goroutine of its own: a serial line is
// slow, and one without a reader may block.
func printAll(lines <-chan string, to []*os.File) {
	for l := range lines {
		for _, f := range to {
			_, _ = f.WriteString(l + "\r\n")
		}
	}
}

// logf says something on behalf of init.
func logf(s severity, format string, a ...any) {
	for _, l := range strings.Split(fmt.Sprintf(format, a...), "\n") {
		log.line(s, "init", l)
	}
}

// line takes one line of a program.
func (j *journal) line(s severity, who, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	if who == "bessd" {
		j.last = text
	}
	j.store(time.Now(), s, who, text)
	prefix := ""
	if s <= severe {
		prefix = "ERROR: "
	} else if s == warning {
		prefix = "warning: "
	}
	select {
	case j.out <- who + ": " + prefix + text:
	default: // nil, or the console is too slow
	}
}

// store appends to the file, in the form that -log_history takes.
func (j *journal) store(at time.Time, s severity, who, text string) {
	if j.file == nil {
		return
	}
	if j.size > maxLogFile {
		if os.Rename(logFile, logFile+".1") == nil {
			_ = j.file.Close()
			j.file, _ = os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
			j.size = 0
		}
	}
	n, _ := fmt.Fprintf(j.file, "%s %d %s: %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), s, who, text)
	j.size += n
}

// copyLines logs what a program writes, line by line.
func copyLines(r io.Reader, who string) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		if t := bytes.TrimRight(text, "\r\n"); len(t) > 0 {
			log.line(notice, who, string(t))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// forget begins a new run of bessd.
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = ""
}

// lastWords returns the last line that bessd wrote.
func (j *journal) lastWords() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}
