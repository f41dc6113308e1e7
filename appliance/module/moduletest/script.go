// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// RunDir runs every *.txtar script in dir, and example.txtar beside it, each
// as a subtest. classes are those the scripts may use.
//
// A script is the comment of the archive: one statement per line, # comments.
//
//	module NAME CLASS [ARG]            create; ARG is JSON, or @file for a section
//	update NAME ARG                    new creation argument in place
//	connect a -> 2:b:1 -> 0:c          link gates
//	command NAME CMD [ARG] [=> JSON]   run; the answer must contain the JSON
//	fail ERRNO STATEMENT…              module, update or command must fail so
//	open NAME:OGATE                    leave a gate unconnected
//	send NAME:IGATE FRAME…             one batch; frames by name or in hex
//	expect NAME:OGATE FRAME…|none      exactly these left since the last look
//	expect NAME:* none                 nothing left any watched gate
//	dropped NAME N                     dead ends since creation
//	counter NAME COUNTER N             a counter of the class
//	desc NAME "text"                   live description
//	run NAME TASK [=> JSON]            run a task once; packets, bits, blocked
//	attr NAME[:OGATE] ATTR HEX         metadata of the last frame from a gate
//	worker N                           id for the following send and run
func RunDir(t *testing.T, dir string, classes ...*module.Class) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if example := filepath.Join(filepath.Dir(dir), "example.txtar"); fileExists(example) {
		files = append(files, example)
	}
	if len(files) == 0 {
		t.Fatalf("no scripts in %s", dir)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			RunScript(t, file, ar, classes...)
		})
	}
}

func fileExists(name string) bool {
	m, _ := filepath.Glob(name)
	return len(m) == 1
}

// RunScript runs one script in a harness of its own.
func RunScript(t *testing.T, file string, ar *txtar.Archive, classes ...*module.Class) {
	t.Helper()
	runScript(t, file, ar, classes...)
}

func runScript(t *testing.T, file string, ar *txtar.Archive, classes ...*module.Class) *script {
	t.Helper()
	s := &script{h: New(t), files: map[string]string{}, classes: map[string]*module.Class{}}
	for _, f := range ar.Files {
		s.files[f.Name] = string(f.Data)
	}
	for _, c := range classes {
		s.classes[c.Name] = c
	}
	lines := strings.Split(string(ar.Comment), "\n")
	for _, line := range lines {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "attr" && !slices.Contains(s.h.watch, f[2]) {
			s.h.WatchAttr(f[2])
		}
	}
	gates := expected(lines)
	checks := 0
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, _, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"module", "connect", "open", "send", "worker"}, verb) {
			checks++
		}
		if verb == "send" || verb == "run" {
			s.watchGates(gates)
		}
		if err := s.do(line); err != nil {
			t.Fatalf("%s:%d: %s\n%v", file, i+1, line, err)
		}
	}
	if checks == 0 {
		t.Fatalf("%s: the script checks nothing", file)
	}
	return s
}

// expected returns the words naming gates in expect statements.
func expected(lines []string) []string {
	var gates []string
	for _, line := range lines {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "expect" && !strings.HasSuffix(f[1], ":*") {
			gates = append(gates, f[1])
		}
	}
	return gates
}

// watchGates watches the gates whose modules exist.
func (s *script) watchGates(gates []string) {
	for _, word := range gates {
		name, gate, err := s.gate(word)
		if m := s.h.graph.Module(name); err == nil && m != nil && gate < m.Class.OGates {
			s.h.Tap(name, gate)
		}
	}
}

type script struct {
	h       *Harness
	files   map[string]string
	classes map[string]*module.Class
	// sent is what was sent and run, to be measured once more.
	sent []func()
}

// do runs one statement; an error is what it failed with.
func (s *script) do(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	f := strings.Fields(rest)
	switch verb {
	case "module":
		return s.module(rest)
	case "update":
		return s.update(rest)
	case "connect":
		return s.connect(f)
	case "command":
		return s.command(rest)
	case "fail":
		return s.fail(rest)
	case "open":
		name, gate, err := s.gate(rest)
		if err == nil {
			s.h.Open(name, gate)
		}
		return err
	case "send":
		return s.send(f)
	case "expect":
		return s.expect(f)
	case "run":
		return s.run(rest)
	case "worker":
		n, err := strconv.Atoi(rest)
		s.h.SetWorker(n)
		return err
	}
	return s.figure(verb, f, rest)
}

// figure checks a number or text of a module.
func (s *script) figure(verb string, f []string, rest string) error {
	var got, want string
	switch {
	case verb == "dropped" && len(f) == 2:
		got, want = fmt.Sprint(s.h.Deadends(f[0])), f[1]
	case verb == "counter" && len(f) == 3:
		got, want = fmt.Sprint(s.h.Counter(f[0], f[1])), f[2]
	case verb == "desc" && len(f) >= 2:
		_, text, _ := strings.Cut(rest, " ")
		text, err := strconv.Unquote(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("text must be quoted: %w", err)
		}
		got, want = s.h.Desc(f[0]), text
	case verb == "attr" && len(f) == 3:
		name, gate, err := s.gate(f[0])
		if err != nil {
			return err
		}
		got, want = hex.EncodeToString(s.h.Attr(name, gate, f[1])), f[2]
	default:
		return fmt.Errorf("unknown statement")
	}
	if got != want {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	return nil
}

// value parses JSON, or the section that @file names.
func (s *script) value(text string) (any, error) {
	text = strings.TrimSpace(text)
	if file, ok := strings.CutPrefix(text, "@"); ok {
		section, ok := s.files[file]
		if !ok {
			return nil, fmt.Errorf("there is no section %q", file)
		}
		text = section
	}
	if text == "" {
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	return v, nil
}

// message makes an argument of the prototype's type.
func (s *script) message(proto proto.Message, text string) (proto.Message, error) {
	v, err := s.value(text)
	if err != nil {
		return nil, err
	}
	if proto == nil {
		proto = emptyArg()
	}
	msg, found := args.Decode(proto.ProtoReflect().Descriptor(), v, args.Options{})
	if len(found) > 0 {
		return nil, errno.Errorf(errno.EINVAL, "%s", args.Text(found))
	}
	return msg, nil
}

func (s *script) module(rest string) error {
	name, rest, _ := strings.Cut(rest, " ")
	class, arg, _ := strings.Cut(strings.TrimSpace(rest), " ")
	c := s.classes[class]
	if c == nil {
		return fmt.Errorf("class %q is not among those given to RunDir: %v", class, slices.Sorted(maps.Keys(s.classes)))
	}
	msg, err := s.message(c.Arg, arg)
	if err != nil {
		return err
	}
	return s.h.Create(name, c, msg)
}

func (s *script) update(rest string) error {
	name, arg, _ := strings.Cut(rest, " ")
	msg, err := s.message(s.h.module(name).Class.Arg, arg)
	if err != nil {
		return err
	}
	return s.h.Update(name, msg)
}

func (s *script) command(rest string) error {
	rest, want, asks := strings.Cut(rest, "=>")
	name, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	cmd, arg, _ := strings.Cut(strings.TrimSpace(rest), " ")
	var msg proto.Message
	if c := s.h.module(name).Class.Command(cmd); c != nil {
		m, err := s.message(c.Arg, arg)
		if err != nil {
			return err
		}
		msg = m
	}
	resp, err := s.h.Command(name, cmd, msg)
	if err != nil || !asks {
		return err
	}
	return s.contains(args.Encode(resp), want)
}

// contains compares an answer with the JSON that it must contain.
func (s *script) contains(got any, want string) error {
	w, err := s.value(want)
	if err != nil {
		return err
	}
	b, err := json.Marshal(got)
	if err != nil {
		return err
	}
	g, err := s.value(string(b))
	if err != nil {
		return err
	}
	if path := differs(g, w, "answer"); path != "" {
		return fmt.Errorf("%s differs: the answer is %s", path, b)
	}
	return nil
}

// differs returns the path of the first part of want that got lacks.
func differs(got, want any, path string) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if d := differs(g[k], w[k], path+"."+k); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			return path
		}
		for i := range w {
			if d := differs(g[i], w[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
		return ""
	}
	if got == nil && (fmt.Sprint(want) == "0" || want == false || want == "") {
		return "" // fields with their default value are left out of answers
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return path
	}
	return ""
}

func (s *script) fail(rest string) error {
	code, line, _ := strings.Cut(rest, " ")
	err := s.do(strings.TrimSpace(line))
	if err == nil {
		return fmt.Errorf("succeeded, want %s", code)
	}
	if got := errName(errno.Code(err)); got != code {
		return fmt.Errorf("failed with %s, want %s: %w", got, code, err)
	}
	return nil
}

// errName returns the symbolic name of an error number.
func errName(code int) string {
	names := map[syscall.Errno]string{syscall.EINVAL: "EINVAL", syscall.ENOENT: "ENOENT", syscall.EEXIST: "EEXIST",
		syscall.EBUSY: "EBUSY", syscall.ENOMEM: "ENOMEM", syscall.ENOSPC: "ENOSPC", syscall.ENODEV: "ENODEV",
		syscall.ENOTSUP: "ENOTSUP", syscall.EPERM: "EPERM", syscall.E2BIG: "E2BIG", syscall.ENXIO: "ENXIO"}
	if n, ok := names[syscall.Errno(code)]; ok {
		return n
	}
	return strconv.Itoa(code)
}

// gate parses NAME:GATE.
func (s *script) gate(text string) (string, int, error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, 0, nil
	}
	n, err := strconv.Atoi(text[i+1:])
	return text[:i], n, err
}

// connect links the chain a:og -> ig:b:og -> ig:c.
func (s *script) connect(f []string) error {
	type node struct {
		name    string
		in, out int
	}
	var chain []node
	for _, word := range f {
		if word == "->" {
			continue
		}
		n := node{}
		parts := strings.Split(word, ":")
		if len(parts) > 1 {
			if v, err := strconv.Atoi(parts[0]); err == nil {
				n.in, parts = v, parts[1:]
			}
		}
		n.name = parts[0]
		if len(parts) > 1 {
			v, err := strconv.Atoi(parts[1])
			if err != nil {
				return err
			}
			n.out = v
		}
		chain = append(chain, n)
	}
	for i := range len(chain) - 1 {
		s.h.Connect(chain[i].name, chain[i].out, chain[i+1].name, chain[i+1].in)
	}
	return nil
}

func frames(words []string) ([][]byte, error) {
	var list [][]byte
	for _, w := range words {
		if w == "none" {
			continue
		}
		if f, ok := Frames[w]; ok {
			w = f
		}
		b, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(w, `"`), ":", ""))
		if err != nil {
			return nil, fmt.Errorf("frame %q: %w", w, err)
		}
		list = append(list, b)
	}
	return list, nil
}

func (s *script) send(f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("want NAME:IGATE FRAME…")
	}
	name, gate, err := s.gate(f[0])
	if err != nil {
		return err
	}
	list, err := frames(f[1:])
	if err != nil {
		return err
	}
	s.h.Send(name, gate, list...)
	s.sent = append(s.sent, func() { s.h.noAllocs(name, gate, list...) })
	return nil
}

func (s *script) expect(f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("want NAME:OGATE FRAME… or none")
	}
	want, err := frames(f[1:])
	if err != nil {
		return err
	}
	if name, ok := strings.CutSuffix(f[0], ":*"); ok {
		for k, t := range s.h.taps {
			if strings.HasPrefix(k, name+":") && len(t.frames) > 0 {
				return fmt.Errorf("%d frames left gate %s", len(t.frames), k)
			}
		}
		return nil
	}
	name, gate, err := s.gate(f[0])
	if err != nil {
		return err
	}
	got := s.h.Out(name, gate)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		var text []string
		for _, g := range got {
			text = append(text, hex.EncodeToString(g))
		}
		return fmt.Errorf("%d frames left %s, want %d: %s", len(got), f[0], len(want), strings.Join(text, " "))
	}
	return nil
}

func (s *script) run(rest string) error {
	rest, want, asks := strings.Cut(rest, "=>")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return fmt.Errorf("want NAME [TASK]")
	}
	task := 0
	if len(f) > 1 {
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return err
		}
		task = n
	}
	res := s.h.RunTask(f[0], task)
	s.sent = append(s.sent, func() { s.h.NoTaskAllocs(f[0], task) })
	if !asks {
		return nil
	}
	return s.contains(map[string]any{"packets": res.Packets, "bits": res.Bits, "blocked": res.Blocked}, want)
}
