// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"embed"
	"encoding/json"
	"io/fs"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Class is a module class.
type Class struct {
	// Name as clients write it, for example "ACL".
	Name string `json:"name"`
	// Prefix begins the names of unnamed instances.
	Prefix string `json:"prefix"`
	// Help is one line.
	Help string `json:"help"`
	// Doc tells what happens to packets, in paragraphs.
	Doc string `json:"doc,omitempty"`
	// Arg is the full name of the creation argument's message.
	Arg protoreflect.FullName `json:"arg"`
	// IGates and OGates are how many gates can be connected; gates count
	// from 0.
	IGates int `json:"igates"`
	OGates int `json:"ogates"`
	// Task is set for classes that bring tasks of their own.
	Task bool `json:"task,omitempty"`
	// TaskField names the field of the argument that, if not zero, makes the
	// instances of other classes bring one.
	TaskField string `json:"task_field,omitempty"`
	// MinWorkers and MaxWorkers are how many workers may run an instance.
	MinWorkers int `json:"min_workers"`
	MaxWorkers int `json:"max_workers"`
	// StopsWorkers is set if workers that enter do not come out again.
	StopsWorkers bool `json:"stops_workers,omitempty"`
	// Holds is set if packets stay in the module between runs.
	Holds    bool      `json:"holds,omitempty"`
	Commands []Command `json:"commands,omitempty"`
	Attrs    []Attr    `json:"attrs,omitempty"`
	Counters []Counter `json:"counters,omitempty"`
	// Example is a test script that shows the class at work.
	Example string `json:"example,omitempty"`
}

// Command is a command of a module class or gate hook.
type Command struct {
	Name string `json:"name"`
	Help string `json:"help"`
	// Arg is the full name of the argument's message.
	Arg protoreflect.FullName `json:"arg"`
	// Response is the full name of the result's message; empty: no result.
	Response protoreflect.FullName `json:"response,omitempty"`
	// Concurrent is set if workers are not stopped for it.
	Concurrent bool `json:"concurrent,omitempty"`
	// Rule is how the command relates to running workers: "concurrent",
	// "quiesced" (they wait meanwhile) or "exclusive" (refused with EBUSY).
	Rule string `json:"rule"`
}

// Attr is a metadata attribute that a class reads or writes.
type Attr struct {
	// Name, or "<field>" if a field of the argument names it.
	Name string `json:"name"`
	// Size in bytes, as text because a field may decide.
	Size string `json:"size"`
	// Mode is "read", "write" or "update".
	Mode string `json:"mode"`
	Help string `json:"help"`
}

// Counter is a statistic that a class keeps.
type Counter struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Help string `json:"help"`
}

// Driver is a port driver.
type Driver struct {
	// Name as clients write it, for example "UnixSocketPort".
	Name string `json:"name"`
	// Prefix begins the names of unnamed ports.
	Prefix string `json:"prefix"`
	// Help is one line.
	Help string `json:"help"`
	// Doc tells what it does in paragraphs.
	Doc string `json:"doc,omitempty"`
	// Arg is the full name of the argument's message.
	Arg protoreflect.FullName `json:"arg"`
}

// Hook is a class of gate hooks.
type Hook struct {
	// Name as clients write it, for example "TcpDump".
	Name string `json:"name"`
	// Prefix begins the names of unnamed hooks.
	Prefix string `json:"prefix"`
	// Help is one line.
	Help string `json:"help"`
	// Doc tells what it does in paragraphs.
	Doc string `json:"doc,omitempty"`
	// Arg is the full name of the argument's message.
	Arg protoreflect.FullName `json:"arg"`
	// Priority orders the hooks of a gate, smaller first.
	Priority int       `json:"priority"`
	Commands []Command `json:"commands,omitempty"`
}

//go:embed json
var jsonFiles embed.FS

// JSONSchema returns the JSON Schema (draft 2020-12) of the argument of a module
// class, port driver or gate hook, in the form that package args reads. The
// error is fs.ErrNotExist if there is none of that name.
func JSONSchema(name string) ([]byte, error) {
	if strings.ContainsAny(name, "/.") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return jsonFiles.ReadFile("json/" + name + ".json")
}

//go:embed classes.json
var classesJSON []byte

//go:embed drivers.json
var driversJSON []byte

//go:embed hooks.json
var hooksJSON []byte

var (
	classes = sync.OnceValue(func() []Class { return load[Class]("classes.json", classesJSON) })
	drivers = sync.OnceValue(func() []Driver { return load[Driver]("drivers.json", driversJSON) })
	hooks   = sync.OnceValue(func() []Hook { return load[Hook]("hooks.json", hooksJSON) })
)

func load[T any](name string, data []byte) []T {
	var list []T
	if err := json.Unmarshal(data, &list); err != nil {
		panic("schemas: " + name + " is damaged: " + err.Error())
	}
	return list
}

// Classes returns the module classes by name. Read only.
func Classes() []Class { return classes() }

// Drivers returns the port drivers by name. Read only.
func Drivers() []Driver { return drivers() }

// Hooks returns the classes of gate hooks by name. Read only.
func Hooks() []Hook { return hooks() }

// ClassByName returns the module class of that exact name, or nil.
func ClassByName(name string) *Class {
	return find(classes(), func(c *Class) bool { return c.Name == name })
}

// DriverByName returns the port driver of that exact name, or nil.
func DriverByName(name string) *Driver {
	return find(drivers(), func(d *Driver) bool { return d.Name == name })
}

// HookByName returns the class of gate hooks of that exact name, or nil.
func HookByName(name string) *Hook {
	return find(hooks(), func(h *Hook) bool { return h.Name == name })
}

// Command returns the command of that exact name, or nil.
func (c *Class) Command(name string) *Command {
	return find(c.Commands, func(d *Command) bool { return d.Name == name })
}

// Command returns the command of that exact name, or nil.
func (h *Hook) Command(name string) *Command {
	return find(h.Commands, func(d *Command) bool { return d.Name == name })
}

func find[T any](list []T, match func(*T) bool) *T {
	for i := range list {
		if match(&list[i]) {
			return &list[i]
		}
	}
	return nil
}
