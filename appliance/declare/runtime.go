// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// runtimeMark begins the lines that say what a declaration cannot. They are
// comments of YAML: with or without them the document is a declaration.
const runtimeMark = "#! "

// note is one line of a runtime: an object with one member.
type note struct {
	Command   *commandNote `json:"command,omitempty"`
	Lost      *lostNote    `json:"lost,omitempty"`
	Hook      *hookNote    `json:"hook,omitempty"`
	Untracked *gateNote    `json:"untracked,omitempty"`
	Port      *portNote    `json:"port,omitempty"`
}

type commandNote struct {
	Module  string          `json:"module"`
	Command string          `json:"command"`
	Arg     json.RawMessage `json:"arg,omitempty"`
}

type lostNote struct {
	Module string `json:"module"`
}

type hookNote struct {
	Module string          `json:"module"`
	Input  bool            `json:"input,omitempty"`
	Gate   int             `json:"gate"`
	Class  string          `json:"class"`
	Name   string          `json:"name"`
	Arg    json.RawMessage `json:"arg,omitempty"`
}

type gateNote struct {
	Module string `json:"module"`
	Gate   int    `json:"gate"`
}

type portNote struct {
	Port string `json:"port"`
	MAC  string `json:"mac,omitempty"`
	MTU  uint32 `json:"mtu,omitempty"`
	Up   bool   `json:"up"`
}

// EncodeRuntime writes what a declaration cannot say as comments that can
// follow it.
func EncodeRuntime(r *engine.Runtime) ([]byte, error) {
	w := &noteWriter{}
	for _, m := range r.Calls {
		if m.Lost {
			w.write(note{Lost: &lostNote{m.Module}})
		}
		for _, c := range m.Calls {
			w.write(note{Command: &commandNote{m.Module, c.Command, w.arg(c.Arg)}})
		}
	}
	for _, h := range r.Hooks {
		w.write(note{Hook: &hookNote{h.Module, h.Input, h.Gate, h.Class, h.Name, w.arg(h.Arg)}})
	}
	for _, g := range r.Untracked {
		w.write(note{Untracked: &gateNote{g.Module, g.Gate}})
	}
	for _, p := range r.Ports {
		w.write(note{Port: &portNote{p.Port, p.MAC, p.MTU, p.Up}})
	}
	return w.buf.Bytes(), w.err
}

// noteWriter collects lines and the first error.
type noteWriter struct {
	buf bytes.Buffer
	err error
}

func (w *noteWriter) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("runtime: %w", err)
	}
}

// arg returns an argument as JSON, which names its message.
func (w *noteWriter) arg(a *anypb.Any) json.RawMessage {
	if a == nil {
		return nil
	}
	b, err := protojson.Marshal(a)
	w.fail(err)
	return b
}

func (w *noteWriter) write(n note) {
	b, err := json.Marshal(n) // makes the JSON of arguments compact, the same every time
	w.fail(err)
	w.buf.WriteString(runtimeMark)
	w.buf.Write(b)
	w.buf.WriteByte('\n')
}

// DecodeRuntime reads the lines of EncodeRuntime in a text, and no others.
func DecodeRuntime(text []byte) (*engine.Runtime, error) {
	r := &engine.Runtime{}
	for i := 1; len(text) > 0; i++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		b, ok := bytes.CutPrefix(line, []byte(runtimeMark))
		if !ok {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		var n note
		if err := dec.Decode(&n); err != nil {
			return nil, fmt.Errorf("line %d: %w", i, err)
		}
		if err := n.add(r); err != nil {
			return nil, fmt.Errorf("line %d: %w", i, err)
		}
	}
	return r, nil
}

// add puts what a line says into r.
func (n *note) add(r *engine.Runtime) error {
	var err error
	switch {
	case n.Command != nil:
		c := engine.Call{Command: n.Command.Command}
		c.Arg, err = anyOf(n.Command.Arg)
		last := len(r.Calls) - 1
		if last < 0 || r.Calls[last].Module != n.Command.Module {
			r.Calls = append(r.Calls, engine.ModuleCalls{Module: n.Command.Module})
			last++
		}
		r.Calls[last].Calls = append(r.Calls[last].Calls, c)
	case n.Lost != nil:
		r.Calls = append(r.Calls, engine.ModuleCalls{Module: n.Lost.Module, Lost: true})
	case n.Hook != nil:
		h := engine.AttachedHook{Module: n.Hook.Module, Input: n.Hook.Input, Gate: n.Hook.Gate, Class: n.Hook.Class, Name: n.Hook.Name}
		h.Arg, err = anyOf(n.Hook.Arg)
		r.Hooks = append(r.Hooks, h)
	case n.Untracked != nil:
		r.Untracked = append(r.Untracked, engine.GateRef{Module: n.Untracked.Module, Gate: n.Untracked.Gate})
	case n.Port != nil:
		r.Ports = append(r.Ports, engine.PortSetting{Port: n.Port.Port, MAC: n.Port.MAC, MTU: n.Port.MTU, Up: n.Port.Up})
	default:
		err = fmt.Errorf("says nothing")
	}
	return err
}

func anyOf(b json.RawMessage) (*anypb.Any, error) {
	if len(b) == 0 {
		return nil, nil
	}
	a := &anypb.Any{}
	if err := protojson.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("argument: %w", err)
	}
	return a, nil
}

// DeclarationIn returns what precedes the lines of a runtime.
func DeclarationIn(text []byte) []byte {
	if i := bytes.Index(text, []byte("\n"+runtimeMark)); i >= 0 {
		return text[:i+1]
	}
	return text
}
