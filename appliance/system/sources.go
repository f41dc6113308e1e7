// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package system

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Handler returns a handler that gives every record to h and, as text, to the
// ring.
func (r *Ring) Handler(h slog.Handler) slog.Handler {
	w := &ringWriter{ring: r}
	return &handler{
		out: h, mine: slog.NewTextHandler(&w.buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutHead}),
		w: w,
	}
}

// withoutHead leaves out what a Line has already.
func withoutHead(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

// ringWriter is shared by a handler and those derived from it.
type ringWriter struct {
	mu   sync.Mutex
	buf  bytes.Buffer // what the text handler wrote
	ring *Ring
}

type handler struct {
	out, mine slog.Handler
	w         *ringWriter
}

// Enabled reports what the handler below wants.
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.out.Enabled(ctx, l) }

// Handle hands a record on and adds it to the ring.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.w.mu.Lock()
	h.w.buf.Reset()
	if err := h.mine.Handle(ctx, r); err == nil {
		h.w.ring.Add(r.Time, priorityOf(r.Level), FromDaemon, strings.TrimRight(h.w.buf.String(), "\n"))
	}
	h.w.mu.Unlock()
	return h.out.Handle(ctx, r)
}

// WithAttrs returns a handler that adds attributes.
func (h *handler) WithAttrs(a []slog.Attr) slog.Handler {
	return &handler{h.out.WithAttrs(a), h.mine.WithAttrs(a), h.w}
}

// WithGroup returns a handler that groups attributes.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.out.WithGroup(name), h.mine.WithGroup(name), h.w}
}

func priorityOf(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return PriorityError
	case l >= slog.LevelWarn:
		return PriorityWarning
	case l >= slog.LevelInfo:
		return PriorityInfo
	}
	return PriorityDebug
}

// FollowKernel adds the messages of the kernel, old and new, until the context
// ends. Errors: those of opening /dev/kmsg.
func (r *Ring) FollowKernel(ctx context.Context) error {
	// Not blocking: reads can then be ended by closing.
	fd, err := syscall.Open("/dev/kmsg", syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/dev/kmsg", Err: err}
	}
	f := os.NewFile(uintptr(fd), "/dev/kmsg")
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	go func() {
		defer stop()
		booted := bootTime()
		b := make([]byte, 16<<10)
		for {
			n, err := f.Read(b)
			if errors.Is(err, syscall.EPIPE) {
				continue // messages were overwritten before they were read
			}
			if err != nil {
				_ = f.Close()
				return
			}
			if p, after, text, ok := parseKernel(b[:n]); ok {
				r.Add(booted.Add(after), p, FromKernel, text)
			}
		}
	}()
	return nil
}

// parseKernel reads a record of /dev/kmsg: "6,339,5140900,-;text\n KEY=…"
// (Documentation/ABI/testing/dev-kmsg).
func parseKernel(b []byte) (priority int, after time.Duration, text string, ok bool) {
	head, rest, found := bytes.Cut(b, []byte(";"))
	fields := strings.Split(string(head), ",")
	if !found || len(fields) < 3 {
		return 0, 0, "", false
	}
	n, err := strconv.ParseUint(fields[0], 10, 32)
	us, err2 := strconv.ParseInt(fields[2], 10, 63)
	if err != nil || err2 != nil || us > int64(1)<<50 {
		return 0, 0, "", false
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return int(n & 7), time.Duration(us) * time.Microsecond, string(line), true
}

// bootTime returns when the kernel started.
func bootTime() time.Time {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Now()
	}
	first, _, _ := strings.Cut(string(b), " ")
	s, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(-time.Duration(s * float64(time.Second)))
}
