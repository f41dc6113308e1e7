// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// factsFile is what bessd shows of the image.
const factsFile = runDir + "/image.json"

// condition is one thing that is well or not.
type condition struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// facts are written whenever they change. Safe for concurrent use.
type facts struct {
	file  string
	mu    sync.Mutex
	state struct {
		Version    string      `json:"version"`
		Slot       string      `json:"slot"`
		Kernel     string      `json:"kernel"`
		Instance   string      `json:"instance,omitempty"`
		Isolated   []int       `json:"isolated,omitempty"` // cores for workers
		Conditions []condition `json:"conditions"`
	}
}

func newFacts() *facts {
	f := &facts{file: factsFile}
	f.state.Version = version
	f.state.Conditions = []condition{}
	return f
}

// set changes facts and writes them.
func (f *facts) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	text, err := json.MarshalIndent(&f.state, "", "  ")
	if err == nil {
		_ = writeFile(f.file, append(text, '\n'), 0o644)
	}
}

// good notes that name is well.
func (f *facts) good(name string) { f.note(name, true, "") }

// bad notes that name is not well, and says so.
func (f *facts) bad(name, format string, a ...any) {
	reason := fmt.Sprintf(format, a...)
	logf(severe, "%s: %s", name, reason)
	f.note(name, false, reason)
}

func (f *facts) note(name string, ok bool, reason string) {
	f.set(func() {
		c := condition{name, ok, reason}
		for i := range f.state.Conditions {
			if f.state.Conditions[i].Name == name {
				f.state.Conditions[i] = c
				return
			}
		}
		f.state.Conditions = append(f.state.Conditions, c)
	})
}

// writeFile replaces a file: whenever the power fails, the old or the new one
// is there.
func writeFile(name string, text []byte, mode os.FileMode) error {
	tmp := name + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
