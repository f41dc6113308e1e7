// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func at(args ...string) result { return runAt(context.Background(), nil, "", args...) }

// Whatever fails, it is one line on standard error and exit status 1.
func TestUnreachable(t *testing.T) {
	socket := t.TempDir() + "/none"
	for _, cmd := range []string{"show module", "show port", "show tc", "show worker", "show hooks", "show mempool", "show mclass", "show driver",
		"show pipeline", "monitor port", "monitor module x", "command module a b", "command hook a b in 0 c", "pause", "resume", "resume 1", "daemon reset -y"} {
		r := at(append(strings.Fields(cmd), "--address", "unix:"+socket)...)
		if r.code != 1 || r.out != "" || strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "bessctl: ") ||
			!strings.Contains(r.err, "no daemon answers at unix:"+socket) || !strings.Contains(r.err, "is bessd running") {
			t.Errorf("%s: %+v", cmd, r)
		}
	}
	r := at("version", "--address", "unix:"+socket)
	if r.code != 1 || r.out != "bessctl  v1.2.3\n" || !strings.Contains(r.err, "no daemon answers") {
		t.Errorf("version tells that of bessctl at least: %+v", r)
	}
}

func TestAddress(t *testing.T) {
	p := start(t)
	t.Setenv("BESS_ADDRESS", "unix:"+p.socket)
	if r := at("show", "module"); r.code != 0 || r.out != "There are no modules.\n" {
		t.Errorf("by the environment: %+v", r)
	}
	if r := at("show", "module", "--address", "http://x"); r.code != 1 || !strings.Contains(r.err, `address "http://x": must be host:port`) {
		t.Errorf("--address is stronger: %+v", r)
	}
	t.Setenv("BESS_ADDRESS", "")
	root := NewRoot("v", Streams{})
	if got := root.PersistentFlags().Lookup("address").DefValue; got != "127.0.0.1:10514" {
		t.Errorf("by default: %s", got)
	}
}

func TestHelp(t *testing.T) {
	r := at()
	for _, want := range []string{"Usage:", "show", "monitor", "explain", "completion", "BESS_ADDRESS"} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("help lacks %q: %+v", want, r)
		}
	}
	// Every verb says what it does, in lines that fit.
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 82 {
				t.Errorf("%s: a line of %d characters: %s", c.CommandPath(), n, line)
			}
		}
		if !c.HasSubCommands() && c.ValidArgsFunction == nil && c.Name() != "help" {
			t.Errorf("%s: no completion", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(NewRoot("v", Streams{}))
}

// An original daemon, which has no counters of classes, can be looked at all
// the same.
func TestPlainDaemon(t *testing.T) {
	p := start(t)
	p.stop()
	p.plain = true
	p.serve()
	p.module("src", "Source", "")
	p.module("out", "Sink", "")
	p.link("src 0 0 out")
	var list []moduleData
	p.json(&list, "show", "module", "src")
	if list[0].Counters != nil || list[0].Panics != nil || len(list[0].OutputGates) != 1 {
		t.Errorf("%+v", list[0])
	}
	if text := p.ok("show", "module", "src"); strings.Contains(text, "panics") || !strings.Contains(text, "deadends") {
		t.Errorf("%s", text)
	}
	r := p.runWith(context.Background(), func(ctx context.Context, _ time.Duration) bool { return realWait(ctx, time.Millisecond) }, "",
		"monitor", "module", "src", "--count", "1")
	if r.code != 0 || !strings.Contains(r.out, "output gates") {
		t.Errorf("%+v", r)
	}
}

func TestExitStatus(t *testing.T) {
	for code, err := range map[int]error{0: nil, 1: errDeclined, 2: statusError(2)} {
		var errs bytes.Buffer
		a := &app{Streams: Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs}, wait: realWait}
		root := newRoot(a)
		root.AddCommand(&cobra.Command{Use: "try", RunE: func(*cobra.Command, []string) error { return err }})
		root.SetArgs([]string{"try"})
		if got := a.finish(root.ExecuteContext(context.Background())); got != code || (errs.Len() > 0) != (code == 1) {
			t.Errorf("%v: exit %d, %q", err, got, errs.String())
		}
	}
}
