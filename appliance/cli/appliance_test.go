// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHistoryAndRollback(t *testing.T) {
	p := start(t)
	if out := p.ok("history"); out != "Nothing is stored yet.\n" {
		t.Fatalf("%q", out)
	}
	for _, name := range []string{"one", "two"} {
		file := filepath.Join(p.dir, name+".yaml")
		text := "apiVersion: bess.dev/v1\nkind: Pipeline\nmetadata: {name: " + name + "}\nspec: {modules: {" + name + ": {class: Source}, out: {class: Sink}}, links: [" + name + " -> out]}\n"
		p.must(os.WriteFile(file, []byte(text), 0o600))
		p.ok("apply", file)
	}
	var list []storedData
	p.json(&list, "history")
	if len(list) != 2 || list[0].Generation != 2 || list[0].Name != "two" || list[1].Origin != "apply" || len(list[1].SHA256) != 64 {
		t.Fatalf("%+v", list)
	}
	if out := p.ok("history"); !strings.Contains(out, "GENERATION  TIME") || strings.Count(out, "\n") != 3 || !strings.Contains(out, list[0].SHA256[:12]) {
		t.Fatalf("%q", out)
	}
	out := p.ok("rollback")
	if !strings.HasPrefix(out, "Back to generation 1.\n") || !strings.Contains(out, "module one") || !strings.Contains(p.ok("export"), "one") {
		t.Fatalf("%q", out)
	}
	for args, want := range map[string]string{
		"rollback 77": "generation 77 is not kept: the store has 1 to 3, see history",
		"rollback x":  `generation "x": must be a number that history lists`,
		"rollback 0":  `generation "0": must be a number that history lists`,
	} {
		if r := p.run(strings.Fields(args)...); r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestHealth(t *testing.T) {
	p := start(t)
	p.conditions.Set("pipeline", nil)
	if out := p.ok("health"); !strings.Contains(out, "pipeline   ok") {
		t.Fatalf("%q", out)
	}
	p.conditions.Set("store", errors.New("no space left"))
	r := p.run("health")
	if r.code != 2 || r.err != "" || !strings.Contains(r.out, "NOT OK") || !strings.Contains(r.out, "no space left") {
		t.Fatalf("%+v", r)
	}
	if r := p.run("health", "-o", "json"); r.code != 2 || !strings.Contains(r.out, `"reason": "no space left"`) {
		t.Fatalf("%+v", r)
	}
}

func TestFacts(t *testing.T) {
	p := start(t)
	p.worker(5)
	out := p.ok("facts")
	for _, want := range []string{"kernel ", "bessd        v9.9.9\n", "memory ", "CORE", "INTERFACE", "lo "} {
		if !strings.Contains(out, want) {
			t.Errorf("facts lack %q:\n%s", want, out)
		}
	}
	var v struct {
		Version string
		Cores   []struct{ Workers []string }
	}
	p.json(&v, "facts")
	if v.Version != "v9.9.9" || len(v.Cores) == 0 || len(v.Cores[0].Workers) != 1 || v.Cores[0].Workers[0] != "5" {
		t.Fatalf("%+v", v)
	}
}

func TestLog(t *testing.T) {
	p := start(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	p.ring.Add(at, 6, "kernel", "booted")
	p.ring.Add(at, 3, "bessd", "went\x1b[2Jwrong")
	if out := p.ok("log", "-n", "1"); out != "2026-01-02T03:04:05.006Z err     bessd  went?[2Jwrong\n" {
		t.Fatalf("%q", out)
	}
	if out := p.ok("log", "-p", "warning", "-o", "json"); out != `{"number":2,"time":"2026-01-02T03:04:05.006Z","priority":"err","source":"bessd","text":"went\u001b[2Jwrong"}`+"\n" {
		t.Fatalf("%q", out)
	}
	if r := p.run("log", "-p", "loud"); r.code != 1 || !strings.Contains(r.err, `--priority "loud": must be one of emerg`) {
		t.Fatalf("%+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, errs := &interrupter{after: 2, interrupt: cancel}, &strings.Builder{}
	a := &app{Streams: Streams{Out: out, Err: errs}, version: "v1.2.3"}
	if code := execute(ctx, a, []string{"--address", "unix:" + p.socket, "log", "-f"}); code != 0 || out.lines != 2 || errs.Len() > 0 {
		t.Fatalf("following ends without an error when it is interrupted: exit %d, %d lines, %s", code, out.lines, errs)
	}
}

// interrupter is an output that interrupts the command when it has printed a
// number of lines.
type interrupter struct {
	lines, after int
	interrupt    func()
}

func (i *interrupter) Write(b []byte) (int, error) {
	if i.lines += bytes.Count(b, []byte("\n")); i.lines >= i.after {
		i.interrupt()
	}
	return len(b), nil
}

func TestShutdownAsks(t *testing.T) {
	p := start(t)
	if r := p.run("shutdown", "--yes"); r.code != 1 || !strings.Contains(r.err, "there is no init process here") {
		t.Fatalf("%+v", r)
	}
	l, err := net.Listen("unix", filepath.Join(p.dir, "init"))
	p.must(err)
	defer func() { _ = l.Close() }()
	heard := make(chan string, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			heard <- line
			_, _ = io.WriteString(c, "ok\n")
			_ = c.Close()
		}
	}()
	if r := p.runWith(context.Background(), nil, "n\n", "reboot"); r.code != 1 || !strings.Contains(r.err, "This starts the machine anew at unix:"+p.socket) || len(heard) > 0 {
		t.Fatalf("%+v", r)
	}
	if r := p.runWith(context.Background(), nil, "y\n", "reboot"); r.code != 0 || <-heard != "reboot\n" {
		t.Fatalf("%+v", r)
	}
	if p.ok("shutdown", "-y"); <-heard != "poweroff\n" {
		t.Fatal("shutdown said something else")
	}
}
