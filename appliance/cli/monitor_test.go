// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

const limit = 20_000 // packets per second of startLimited

// startLimited starts a source that is held to a rate.
func startLimited(t *testing.T) *peer {
	t.Helper()
	p := start(t)
	p.buildLimited()
	return p
}

func (p *peer) buildLimited() {
	p.t.Helper()
	p.worker(0)
	p.module("src", "Source", "")
	p.module("out", "Sink", "")
	p.link("src 0 0 out")
	p.tc(&api.TrafficClass{Name: "slow", Policy: "rate_limit", Resource: "packet", Limit: map[string]int64{"packet": limit}})
	p.task(&api.TrafficClass{LeafModuleName: "src", Parent: "slow", Wid: -1})
	p.ok("resume")
}

// lines decodes the lines that monitor -o json wrote.
func lines[R any](t *testing.T, text string) []R {
	t.Helper()
	var list []R
	for line := range strings.Lines(text) {
		var r R
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

// What monitor says passed in the intervals is what the counters say passed,
// and a limit shows.
func TestMonitorAgreesWithCounters(t *testing.T) {
	p := startLimited(t)
	read := func() uint64 {
		var list []tcData
		p.json(&list, "show", "tc", "slow")
		return list[0].Packets
	}
	p.await("traffic", func() bool { return read() > 0 })
	// The seconds of a line are the longest of its classes, which differ by the
	// length of a call: on a busy machine that can be anything. Other programs
	// may spoil a look in that way, not all.
	off := "nothing was looked at"
	for i := 0; off != "" && i < 30; i++ {
		before := read()
		passed, most := p.monitored()
		after := read()
		switch counted := float64(after - before); {
		case passed <= 0 || passed > 1.1*counted:
			off = fmt.Sprintf("%.0f packets in the intervals, at most %.0f counted", passed, counted)
		case most > 3*limit:
			off = fmt.Sprintf("%.0f packets/s, limited to %d", most, limit)
		default:
			off = ""
		}
	}
	if off != "" {
		t.Error(off)
	}
}

// monitored returns how many packets have passed in five intervals, as monitor
// says, and the highest of its rates.
func (p *peer) monitored() (passed, most float64) {
	p.t.Helper()
	rates := lines[tcsRates](p.t, p.ok("monitor", "tc", "slow", "--interval", "60ms", "--count", "5", "-o", "json"))
	if len(rates) != 5 {
		p.t.Fatalf("%d intervals", len(rates))
	}
	for i, r := range rates {
		c := r.Classes[0]
		if len(r.Classes) != 2 || r.Seconds < 0.05 || i > 0 && r.Timestamp <= rates[i-1].Timestamp {
			p.t.Errorf("interval %d: %+v", i, r)
		}
		passed += c.PacketsPerSecond * r.Seconds
		most = max(most, c.PacketsPerSecond)
		if c.PacketsPerSecond > 0 && (c.PacketsPerRun != 64 || c.CyclesPerPacket <= 0 || c.CPUMHz <= 0) {
			p.t.Errorf("interval %d: %+v", i, c)
		}
	}
	return passed, most
}

func TestMonitorAllViews(t *testing.T) {
	p := startEdge(t)
	p.ok("resume")
	soon := func(ctx context.Context, _ time.Duration) bool { return realWait(ctx, 2*time.Millisecond) }
	run := func(args ...string) string {
		r := p.runWith(context.Background(), soon, "", args...)
		if r.code != 0 || r.err != "" {
			t.Fatalf("%v: %+v", args, r)
		}
		return r.out
	}
	for _, v := range []string{"pipeline", "pipeline copy", "module fw", "module idle", "port", "port lan", "worker", "worker 1", "tc", "tc slow", "tc --worker 1"} {
		args := append([]string{"monitor", "--count", "2"}, strings.Fields(v)...)
		text := run(args...)
		titles := regexp.MustCompile(`(?m)^monitor `+strings.Fields(v)[0]+`  unix:\S+  \d\d:\d\d:\d\d  \d+\.\d\d s$`).FindAllString(text, -1)
		if len(titles) != 2 {
			t.Errorf("monitor %s: %d titles:\n%s", v, len(titles), text)
		}
		// JSON has the fields that the help promises, and YAML the same ones.
		_, help, _ := strings.Cut(p.ok("monitor", strings.Fields(v)[0], "--help"), "\nJSON: ")
		help, _, _ = strings.Cut(help, "\nUsage:")
		list := lines[any](t, run(append(args, "-o", "json")...))
		for key := range keys(list[0], map[string]bool{}) {
			if !regexp.MustCompile(`\b` + key + `\b`).MatchString(help) {
				t.Errorf("monitor %s: the help does not mention %s: %s", v, key, help)
			}
		}
		if len(list) != 2 {
			t.Errorf("monitor %s: %d lines", v, len(list))
		}
		if text := run(append(args, "-o", "yaml")...); strings.Count(text, "---\ntimestamp: ") != 2 {
			t.Errorf("monitor %s -o yaml:\n%s", v, text)
		}
	}
}

func TestMonitorRefuses(t *testing.T) {
	p := start(t)
	for cmd, want := range map[string]string{
		"monitor ports":                    `bessctl: monitor: unknown command "ports" (did you mean "port"?)`,
		"monitor module":                   `bessctl: monitor module: NAME is missing`,
		"monitor module a b":               `bessctl: monitor module: only one module can be monitored`,
		"monitor module a":                 `(ENOENT), No module 'a' found`,
		"monitor port a":                   `bessctl: port "a": there is none of that name`,
		"monitor port --interval 1ms":      `bessctl: --interval 1ms: must be at least 50ms`,
		"monitor port --count -1":          `bessctl: --count -1: must not be negative`,
		"monitor port --interval tomorrow": `invalid argument "tomorrow" for "--interval"`,
	} {
		if r := p.run(strings.Fields(cmd)...); r.code != 1 || r.out != "" || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: %+v, want one line with %q", cmd, r, want)
		}
	}
}

// A daemon that goes away and comes back empty, then full again, is waited
// for, and the rates after that are sane.
func TestMonitorOutlivesTheDaemon(t *testing.T) {
	p := startLimited(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out, errs lockedBuffer
	n := 0
	wait := func(ctx context.Context, _ time.Duration) bool {
		n++
		switch {
		case n == 3:
			p.stop()
		case n == 6:
			p.serve() // without the class: that is waited for, too
		case n == 9:
			p.buildLimited()
		case strings.Contains(errs.String(), "it is back") && strings.Count(out.String(), "\n") >= 5:
			cancel()
		}
		return realWait(ctx, 50*time.Millisecond)
	}
	a := &app{Streams: Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, wait: wait}
	code := execute(ctx, a, []string{"--address", "unix:" + p.socket, "monitor", "tc", "slow", "-o", "json"})
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{"no daemon answers at unix:", "bessctl: it is back\n"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, errs.String())
		}
	}
	for _, r := range lines[tcsRates](t, out.String()) {
		if r.Classes[0].PacketsPerSecond > 5*limit {
			t.Errorf("%+v", r)
		}
	}
}

// lockedBuffer can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// With --count a monitor ends although there is no daemon any more, and says
// so by its exit status.
func TestMonitorEndsWithoutDaemon(t *testing.T) {
	p := startLimited(t)
	n := 0
	wait := func(context.Context, time.Duration) bool {
		if n++; n == 1 {
			p.stop()
		}
		return true
	}
	r := p.runWith(context.Background(), wait, "", "monitor", "port", "--count", "3")
	if r.code != 1 || r.out != "" || strings.Count(r.err, "; waiting\n") != 1 || !strings.HasSuffix(r.err, "does no firewall drop the port?\n") &&
		!strings.Contains(r.err, "may this user write to") {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C is how a monitor ends: exit 0, and the cursor is back.
func TestMonitorInterrupted(t *testing.T) {
	p := startLimited(t)
	cmd := exec.Command("/proc/self/exe", "--address", "unix:"+p.socket, "monitor", "tc", "--interval", "50ms")
	cmd.Env = append(cmd.Environ(), asProgram+"=1")
	var out, errs lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	p.must(cmd.Start())
	p.await("two tables", func() bool { return strings.Count(out.String(), "monitor tc") >= 2 })
	p.must(cmd.Process.Signal(syscall.SIGINT))
	if err := cmd.Wait(); err != nil || errs.String() != "" {
		t.Errorf("%v, %s", err, errs.String())
	}
}

func TestMonitorOnTerminal(t *testing.T) {
	p := startLimited(t)
	master, name := openTerminal(t, 40, 10)
	tty := openFile(t, name)
	cmd := exec.Command("/proc/self/exe", "--address", "unix:"+p.socket, "monitor", "tc", "--interval", "50ms")
	cmd.Env = append(cmd.Environ(), asProgram+"=1", "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.must(cmd.Start())
	var out lockedBuffer
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			_, _ = out.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	p.await("three frames", func() bool { return strings.Count(out.String(), home) >= 3 })
	_, err := master.Write([]byte{3}) // what Ctrl-C sends
	p.must(err)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	p.await("the cursor", func() bool { return strings.HasSuffix(out.String(), showCursor) })
	text := out.String()
	if strings.Count(text, clearScreen) != 1 || strings.Contains(text, bold) {
		t.Errorf("%q", text)
	}
	frame, _, _ := strings.Cut(strings.Split(text, home)[2], clearRest)
	for _, l := range strings.Split(strings.ReplaceAll(frame, clearLine, ""), "\r\n") {
		if len([]rune(l)) > 40 {
			t.Errorf("wider than the window: %q", l)
		}
	}
	if !strings.Contains(frame, "slow") || !strings.Contains(frame, "…") {
		t.Errorf("frame: %q", frame)
	}
}

// The context of a program that was told to end must not look like an error.
func TestMonitorEndsWhileReading(t *testing.T) {
	p := startLimited(t)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
	defer stop()
	wait := func(context.Context, time.Duration) bool {
		stop() // between the wait and the call
		return true
	}
	if r := p.runWith(ctx, wait, "", "monitor", "worker"); r.code != 0 || r.err != "" {
		t.Errorf("%+v", r)
	}
}
