// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

const (
	// auditQueue is how many lines wait for a slow disk.
	auditQueue = 1024
	// auditWait is how long a call waits for room in the queue; then its line
	// is lost, and counted.
	auditWait = 100 * time.Millisecond
	// auditEnd is how long the daemon waits for the disk when it ends.
	auditEnd = 2 * time.Second
	// maxText bounds the text of an error in a line, in bytes.
	maxText = 512
)

// entry is a line of the audit log, as JSON.
type entry struct {
	Time   string `json:"time"` // RFC 3339, UTC, microseconds
	Name   string `json:"identity"`
	Role   string `json:"role"`
	Peer   string `json:"peer"`
	Call   string `json:"call"`
	Object string `json:"object"`
	// Result is "ok", or "errno=N" or the gRPC status, and why.
	Result string `json:"result"`
	// Lost is the number of lines before this one that the disk was too slow
	// for.
	Lost uint64 `json:"lost,omitempty"`
}

// audit writes entries to a file, or to the log if there is none.
type audit struct {
	log   *slog.Logger
	path  string
	file  *os.File // used by run only
	queue chan entry
	lost  atomic.Uint64
	stop  chan struct{} // closed by close
	done  chan struct{} // closed when all is written
}

// openAudit opens the file for appending.
func openAudit(path string, log *slog.Logger) (*audit, error) {
	a := &audit{log: log, path: path}
	if path == "" {
		return a, nil
	}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("-audit_log: %w", err)
	}
	a.queue, a.stop, a.done = make(chan entry, auditQueue), make(chan struct{}), make(chan struct{})
	go a.run()
	return a, nil
}

func (a *audit) open() error {
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	a.file = f
	return nil
}

// record notes a call and what came of it.
func (a *audit) record(id Identity, method string, req, resp any, err error) {
	e := entry{
		Time: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), Name: clip(id.Name, 128), Role: id.Role.String(), Peer: id.Peer,
		Call: clip(strings.TrimPrefix(method, "/"), 128), Object: object(req), Result: clip(result(resp, err), maxText),
	}
	if a.queue == nil {
		a.log.LogAttrs(context.Background(), slog.LevelInfo, "audit", slog.String("identity", e.Name), slog.String("role", e.Role),
			slog.String("peer", e.Peer), slog.String("call", e.Call), slog.String("object", e.Object), slog.String("result", e.Result))
		return
	}
	select {
	case a.queue <- e:
		return
	default:
	}
	wait := time.NewTimer(auditWait)
	defer wait.Stop()
	select {
	case a.queue <- e:
	case <-wait.C:
		a.lost.Add(1)
	}
}

// result tells what came of a call.
func result(resp any, err error) string {
	if err != nil {
		s := status.Convert(err)
		return s.Code().String() + ": " + s.Message()
	}
	if r, ok := resp.(interface{ GetError() *api.Error }); ok {
		if e := r.GetError(); e.GetCode() != 0 {
			return fmt.Sprintf("errno=%d: %s", e.GetCode(), e.GetErrmsg())
		}
	}
	return "ok"
}

// run writes the lines, until it is told to stop and has written those that
// wait.
func (a *audit) run() {
	defer close(a.done)
	var failed string
	one := func(e entry) {
		err := a.write(e)
		if err == nil {
			failed = ""
			return
		}
		a.lost.Add(1)
		if err.Error() != failed {
			failed = err.Error()
			a.log.Error("audit log cannot be written", "file", a.path, "error", err)
		}
	}
	for {
		select {
		case e := <-a.queue:
			one(e)
			continue
		case <-a.stop:
		}
		for n := len(a.queue); n > 0; n-- {
			one(<-a.queue)
		}
		_ = a.file.Close()
		return
	}
}

// write appends a line, to a new file if somebody has moved the old one away.
func (a *audit) write(e entry) error {
	if err := a.follow(); err != nil {
		return err
	}
	e.Lost = a.lost.Swap(0)
	line, err := json.Marshal(e)
	if err == nil {
		_, err = a.file.Write(append(line, '\n'))
	}
	if err != nil {
		a.lost.Add(e.Lost)
	}
	return err
}

// follow opens the file again if its path leads to another one.
func (a *audit) follow() error {
	now, err := os.Stat(a.path)
	if err == nil {
		was, err := a.file.Stat()
		if err == nil && os.SameFile(now, was) {
			return nil
		}
	}
	old := a.file
	if err := a.open(); err != nil {
		return err
	}
	_ = old.Close()
	return nil
}

// close writes what is queued.
func (a *audit) close() {
	if a.queue == nil {
		return
	}
	close(a.stop)
	select {
	case <-a.done:
	case <-time.After(auditEnd):
		a.log.Error("audit log cannot be written in time", "file", a.path, "lines_lost", len(a.queue))
	}
}
