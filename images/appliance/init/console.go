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
	"strconv"
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

// logFile holds what was said since the machine started, the kernel's words
// included; when it is full it becomes logFile.1 and a new one begins.
const (
	logFile    = runDir + "/log"
	maxLogFile = 1 << 20
	// maxWaiting is how many lines may wait for a slow console.
	maxWaiting = 1024
	maxLine    = 900 // /dev/kmsg takes 1024 bytes, the kernel's record included
)

// journal takes lines and hands them to the file, the kernel's ring and the
// consoles.
type journal struct {
	mu   sync.Mutex
	file *os.File
	size int
	kmsg *os.File
	out  chan string // to the consoles; nil before they are open
}

var log journal

// openLog opens what lines go to. Lines said before are lost, and there are
// none.
func openLog() {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.file, _ = os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	log.kmsg, _ = os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	log.out = make(chan string, maxWaiting)
	go printAll(log.out, consoles())
	go followKernel()
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
	if j.kmsg != nil { // level 6: with quiet the kernel does not print it a second time
		_, _ = fmt.Fprintf(j.kmsg, "<14>%s: %s\n", who, text)
	}
	j.store(time.Now(), who, text)
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

// store appends to the file.
func (j *journal) store(at time.Time, who, text string) {
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
	n, _ := fmt.Fprintf(j.file, "%s %s: %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), who, text)
	j.size += n
}

// copyLines logs what a program writes, line by line.
func copyLines(r io.Reader, who string) {
	in := bufio.NewReaderSize(r, 4096)
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

// followKernel adds the kernel's own messages to the file (format:
// Documentation/ABI/testing/dev-kmsg).
func followKernel() {
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		return
	}
	buf := make([]byte, 8192)
	for {
		n, err := f.Read(buf)
		if err != nil {
			continue // EPIPE: some were overwritten before they were read
		}
		if text, ok := kernelRecord(string(buf[:n])); ok {
			log.mu.Lock()
			log.store(time.Now(), "kernel", text)
			log.mu.Unlock()
		}
	}
}

// kernelRecord returns the text of a record of /dev/kmsg that the kernel
// wrote itself.
func kernelRecord(rec string) (string, bool) {
	head, text, ok := strings.Cut(rec, ";")
	prio, _, _ := strings.Cut(head, ",")
	p, err := strconv.Atoi(prio)
	if !ok || err != nil || p>>3 != 0 { // another facility: we said it
		return "", false
	}
	text, _, _ = strings.Cut(text, "\n")
	return text, true
}
