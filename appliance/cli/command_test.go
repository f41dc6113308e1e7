// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func TestCommandModule(t *testing.T) {
	p := startEdge(t)
	for _, tt := range []struct{ cmd, want string }{
		{"fw|get_initial_arg", "rules:\n  - src_ip: 172.12.0.0/16\n  - dst_port: 80\n    drop: true\n"},
		{"fw|add|{rules: [{src_ip: 10.0.0.0/8, drop: true}]}", ""},
		{"idle|set_burst|burst=32", ""},
		{"store|get_status", "count: 0\nsize: 64\nenqueued: 0\ndequeued: 0\ndropped: 0\n"},
		{"store|set_size|size=128", ""},
		{"store|get_status|{}", "count: 0\nsize: 128\nenqueued: 0\ndequeued: 0\ndropped: 0\n"},
		{"gone|get_initial_arg", ""},
	} {
		args := append([]string{"command", "module"}, strings.Split(tt.cmd, "|")...)
		if got := p.ok(args...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.cmd, got, tt.want)
		}
	}
	var status struct{ Size uint64 }
	p.json(&status, "command", "module", "store", "get_status")
	if status.Size != 128 {
		t.Errorf("size %d", status.Size)
	}
	if got := p.ok("command", "module", "gone", "get_initial_arg", "-o", "json"); got != "null\n" {
		t.Errorf("no answer in JSON: %q", got)
	}
	r := p.runWith(context.Background(), nil, "rules: [{drop: true}]", "command", "module", "fw", "add", "@-")
	if r.code != 0 || r.err != "" {
		t.Errorf("from standard input: %+v", r)
	}
	var fw []moduleData
	p.json(&fw, "show", "module", "fw")
	if len(fw[0].Rules) != 4 {
		t.Errorf("%d rules", len(fw[0].Rules))
	}
}

func TestCommandRefuses(t *testing.T) {
	p := startEdge(t)
	for cmd, want := range map[string]string{
		"command":                                "",
		"command modul":                          `bessctl: command: unknown command "modul" (did you mean "module"?)`,
		"command module":                         `bessctl: command module: NAME is missing; usage: bessctl command module NAME COMMAND [ARG]`,
		"command module idle":                    `bessctl: command module: COMMAND is missing`,
		"command module idel set_burst":          `No module 'idel' found (did you mean "idle"?)`,
		"command module idle set_brust burst=1":  `bessctl: Source has no command "set_brust" (did you mean "set_burst"?); its commands are `,
		"command module gone what":               `bessctl: Sink has no command "what"; its commands are get_initial_arg`,
		"command module idle set_burst burst=65": `bessctl: command set_burst of Source: burst: 65: must be 0..64 packets`,
		"command module gone get_initial_arg {}": `bessctl: command get_initial_arg takes no argument`,
		"command hook track0 idle out":           `bessctl: command hook: GATE is missing`,
		"command hook track0 idle up 0 reset":    `bessctl: direction "up": must be in or out`,
		"command hook track0 idle out -1 reset":  `shorthand flag: '1'`,
		"command hook track0 idle out x reset":   `bessctl: gate "x": must be a number 0..8191`,
		"command hook track0 idle out 1 reset":   `bessctl: out gate 1 of module "idle" has no hook "track0"`,
		"command hook trakc0 idle out 0 reset":   `bessctl: out gate 0 of module "idle" has no hook "trakc0" (did you mean "track0"?)`,
		"command hook track0 idle out 0 rest":    `bessctl: Track has no command "rest" (did you mean "reset"?); its commands are reset`,
		"command hook track0 idle out 0 reset a": `bessctl: command reset of Track: "a": expected a map`,
	} {
		r := p.run(strings.Fields(cmd)...)
		if want == "" { // without a verb there is help
			if r.code != 0 || !strings.Contains(r.out, "Available Commands") {
				t.Errorf("%s: %+v", cmd, r)
			}
			continue
		}
		if r.code != 1 || r.out != "" || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q; want one line with %q", cmd, r.code, r.out, r.err, want)
		}
	}
}

func TestCommandHook(t *testing.T) {
	p := startEdge(t)
	p.ok("resume")
	packets := func() uint64 {
		var list []moduleData
		p.json(&list, "show", "module", "idle")
		return list[0].OutputGates[0].Packets
	}
	p.await("traffic", func() bool { return packets() > 0 })
	p.ok("pause")
	if out := p.ok("command", "hook", "track0", "idle", "out", "0", "reset"); out != "" {
		t.Errorf("reset answers %q", out)
	}
	if n := packets(); n != 0 {
		t.Errorf("%d packets after reset", n)
	}
}

func TestPauseResume(t *testing.T) {
	p := startEdge(t)
	running := func() string {
		var list []workerData
		p.json(&list, "show", "worker")
		text, err := json.Marshal([]bool{list[0].Running, list[1].Running})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, step := range []struct{ cmd, want string }{
		{"resume 1", "[false,true]"}, {"resume", "[true,true]"}, {"pause 0", "[false,true]"}, {"pause", "[false,false]"},
		{"resume --check=false 0 1", "[true,true]"}, {"pause 1 0", "[false,false]"},
	} {
		p.ok(strings.Fields(step.cmd)...)
		if got := running(); got != step.want {
			t.Errorf("after %s: %s, want %s", step.cmd, got, step.want)
		}
	}
	for _, cmd := range []string{"pause 9", "resume 9", "pause one"} {
		if r := p.run(strings.Fields(cmd)...); r.code != 1 || !strings.Contains(r.err, "there is none of that number (there are 0, 1)") {
			t.Errorf("%s: %+v", cmd, r)
		}
	}
}

// A class that one worker may run at most, reached by two, is refused; and it
// is the operator who may insist.
func TestResumeChecks(t *testing.T) {
	p := start(t)
	p.worker(0)
	p.worker(1)
	p.module("a", "Source", "")
	p.module("b", "Source", "")
	p.module("m", "Merge", "")
	p.module("one", "RoundRobin", "{gates: [0]}")
	p.link("a 0 0 m")
	p.link("b 0 1 m")
	p.link("m 0 0 one")
	for _, name := range []string{"a", "b"} {
		p.ok("command", "module", name, "set_burst", "burst=0") // the class must not really be run by two
	}
	r := p.run("resume")
	var workers []workerData
	p.json(&workers, "show", "worker")
	if r.code != 1 || !strings.Contains(r.err, "bessctl: not resumed: more workers reach one than the class allows") ||
		workers[0].Running || workers[1].Running {
		t.Errorf("%+v, %+v", r, workers)
	}
	p.ok("resume", "--check=false")
	p.json(&workers, "show", "worker")
	if !workers[0].Running || !workers[1].Running {
		t.Error("--check=false should start them")
	}
}

func TestNodes(t *testing.T) {
	for mask, want := range map[int32]string{0: "(none)", 1: "0", 5: "0, 2", 1 << 15: "15"} {
		if got := nodes(mask); got != want {
			t.Errorf("nodes(%d) = %s", mask, got)
		}
	}
}

func TestDaemonReset(t *testing.T) {
	p := startEdge(t)
	for _, answer := range []string{"", "n\n", "nope\n", "\n", "yess\n"} {
		r := p.runWith(context.Background(), nil, answer, "daemon", "reset")
		if r.code != 1 || !strings.HasPrefix(r.err, "This removes 11 modules, 1 port, 2 workers from the daemon at unix:") ||
			!strings.Contains(r.err, "nothing was changed; answer y, or use --yes") {
			t.Errorf("answer %q: %+v", answer, r)
		}
	}
	if r := p.runWith(context.Background(), nil, "Y\n", "daemon", "reset"); r.code != 0 {
		t.Errorf("yes: %+v", r)
	}
	if got := p.ok("show", "module"); got != "There are no modules.\n" {
		t.Errorf("after reset: %s", got)
	}
	p.ok("daemon", "reset") // nothing to ask about
	p.module("m", "Merge", "")
	p.ok("daemon", "reset", "-y")
	if got := p.ok("show", "pipeline"); got != "There are no modules.\n" {
		t.Errorf("after reset -y: %s", got)
	}
}
