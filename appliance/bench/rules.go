// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// RulesReport tells how long large tables take to fill and to replace.
type RulesReport struct {
	Machine *Machine     `json:"machine"`
	Rows    []RulesEntry `json:"rows"`
}

// RulesEntry is one way to bring rules in, on one target.
type RulesEntry struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	Rules  int    `json:"rules"`
	// Seconds is what it took, the client's part included.
	Seconds   float64 `json:"seconds,omitempty"`
	PerSecond float64 `json:"per_second,omitempty"`
	Error     string  `json:"error,omitempty"`
}

// The sizes of the tables; tests make them smaller.
var (
	manyRules    = 100_000
	replaceRules = 10_000
	replaceTimes = 20
)

// rulesWay is a way to fill or to replace. Only run is timed.
type rulesWay struct {
	name    string
	rules   int
	prepare func(ctx context.Context, c *client.Client, core int) error
	run     func(ctx context.Context, c *client.Client) error
	// check tells what is wrong afterwards.
	check func(ctx context.Context, c *client.Client) error
}

func rulesWays() []rulesWay {
	return []rulesWay{
		{"ExactMatch, one call for each rule", manyRules, emptyTable, oneByOne, allThere},
		{"ExactMatch, all rules in one call", manyRules, emptyTable, atOnce, allThere},
		{"ExactMatch, all rules from a file of JSON", manyRules, emptyTable, fromFile, allThere},
		{fmt.Sprintf("ACL of %d rules replaced %d times under traffic", replaceRules, replaceTimes), replaceRules * replaceTimes,
			traffic, replaceAll, judged},
	}
}

// Rules measures, target by target, how fast rules get into a daemon.
func Rules(ctx context.Context, o Options) (*RulesReport, error) {
	machine, err := o.begin(ctx)
	if err != nil {
		return nil, err
	}
	r := &RulesReport{Machine: machine}
	for _, way := range rulesWays() {
		for _, c := range o.Targets {
			e := way.measure(ctx, c, o.Cores[0])
			r.Rows = append(r.Rows, e)
			o.tell(e.line())
			if err := errors.Join(clear(context.WithoutCancel(ctx), c), ctx.Err()); err != nil {
				return nil, err
			}
		}
	}
	r.Machine.finish()
	return r, nil
}

// measure goes one way on one target.
func (w rulesWay) measure(ctx context.Context, c *client.Client, core int) RulesEntry {
	e := RulesEntry{Name: w.name, Target: c.Address(), Rules: w.rules}
	err := clear(ctx, c)
	if err == nil {
		err = w.prepare(ctx, c, core)
	}
	begin := time.Now()
	if err == nil {
		err = w.run(ctx, c)
	}
	took := time.Since(begin).Seconds()
	if err == nil {
		err = w.check(ctx, c)
	}
	if err != nil {
		e.Error = err.Error()
		return e
	}
	e.Seconds, e.PerSecond = took, float64(w.rules)/took
	return e
}

// emptyTable makes a table "em" and a worker, which is paused.
func emptyTable(ctx context.Context, c *client.Client, core int) error {
	if err := c.AddWorker(ctx, 0, int64(core), ""); err != nil {
		return err
	}
	arg, err := message(schemas.ClassByName("ExactMatch").Arg, map[string]any{"entries": 2 * manyRules, "fields": []any{
		map[string]any{"offset": offDstIP, "num_bytes": 4}, map[string]any{"offset": offDstPort, "num_bytes": 2}}})
	if err != nil {
		return err
	}
	_, err = c.CreateModule(ctx, "em", "ExactMatch", arg)
	return err
}

// exactRule is rule i in the form of its JSON.
func exactRule(i int) map[string]any {
	return map[string]any{"gate": 0, "fields": []any{
		map[string]any{"value_bin": fmt.Sprintf("%08x", 10<<24+i/100)}, map[string]any{"value_bin": fmt.Sprintf("%04x", i%100)}}}
}

func oneByOne(ctx context.Context, c *client.Client) error {
	desc := schemas.ClassByName("ExactMatch").Command("add").Arg
	for i := range manyRules {
		arg, err := message(desc, exactRule(i))
		if err != nil {
			return err
		}
		if _, err := c.Command(ctx, "em", "add", arg); err != nil {
			return err
		}
	}
	return nil
}

func exactConfig() map[string]any {
	rules := make([]any, manyRules)
	for i := range rules {
		rules[i] = exactRule(i)
	}
	return map[string]any{"default_gate": 1, "rules": rules}
}

func configure(ctx context.Context, c *client.Client, v map[string]any) error {
	arg, err := message(schemas.ClassByName("ExactMatch").Command("set_runtime_config").Arg, v)
	if err != nil {
		return err
	}
	_, err = c.Command(ctx, "em", "set_runtime_config", arg)
	return err
}

func atOnce(ctx context.Context, c *client.Client) error {
	return configure(ctx, c, exactConfig())
}

// fromFile includes writing the file, reading it and checking what it says.
func fromFile(ctx context.Context, c *client.Client) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left in /tmp does no harm
	text, err := json.Marshal(exactConfig())
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "rules.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return err
	}
	if text, err = os.ReadFile(name); err != nil {
		return err
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return configure(ctx, c, v)
}

// allThere asks the table "em" for its rules.
func allThere(ctx context.Context, c *client.Client) error {
	resp, err := c.Command(ctx, "em", "get_runtime_config", nil)
	if err != nil {
		return err
	}
	v, err := decode(resp)
	if err != nil {
		return err
	}
	if n := v.Get(v.Descriptor().Fields().ByName("rules")).List().Len(); n != manyRules {
		return fmt.Errorf("the table has %d rules, want %d", n, manyRules)
	}
	return nil
}

// The first byte of the addresses that the packets of traffic go to: those to
// the former may pass, those to the latter must not.
const (
	mayPass   = 10
	mustStop  = 12
	stopped   = "12.34.56.78/32"
	beforeACL = "before"
	behindACL = "behind"
)

// traffic has packets pass an ACL that tells two kinds apart, which are counted
// on both sides of it:
//
//	                         ┌ 10 ┐       ┌ 10 ┐
//	Source ─ Rewrite ─ Split ┤    ├ ACL ─ Split ├ Sink
//	                         └ 12 ┘       └ 12 ┘
func traffic(ctx context.Context, c *client.Client, core int) error {
	p := &pipeline{}
	p.source(tutorial(p)...)
	by := map[string]any{"size": 1, "offset": offDstIP}
	p.add(beforeACL, "Split", by)
	p.apart("acl", "ACL", rulesFor(replaceRules))
	p.link(beforeACL, mayPass, "acl", 0)
	p.link(beforeACL, mustStop, "acl", 0)
	p.add(behindACL, "Split", by)
	p.apart("sink", "Sink", nil)
	p.link(behindACL, mayPass, "sink", 0)
	p.link(behindACL, mustStop, "sink", 0)
	if err := build(ctx, c, p, []int{core}); err != nil {
		return err
	}
	_, err := c.ResumeAll(ctx)
	return err
}

// rulesFor is a list of n rules. Most fit no packet; one in the middle stops a
// kind of them, and the last lets the rest pass. Without either some packet is
// judged otherwise.
func rulesFor(n int) map[string]any {
	rules := make([]any, n)
	for i := range rules {
		rules[i] = noPacket(i)
	}
	rules[n/2] = map[string]any{"dst_ip": stopped, "drop": true}
	rules[n-1] = map[string]any{"drop": false}
	return map[string]any{"rules": rules}
}

// replaceAll replaces a long list by others that decide the same.
func replaceAll(ctx context.Context, c *client.Client) error {
	for i := range replaceTimes {
		if err := replace(ctx, c, i); err != nil {
			return err
		}
	}
	return nil
}

// judged compares what was counted on both sides of the ACL: each packet must
// have been judged as by any of the lists, whichever it met.
func judged(ctx context.Context, c *client.Client) error {
	if err := c.PauseAll(ctx); err != nil {
		return err
	}
	var n [4]uint64
	for i, g := range []struct {
		module string
		ogate  uint64
	}{{beforeACL, mayPass}, {behindACL, mayPass}, {beforeACL, mustStop}, {behindACL, mustStop}} {
		var err error
		if n[i], err = packets(ctx, c, g.module, g.ogate); err != nil {
			return err
		}
	}
	switch {
	case n[0] == 0 || n[2] == 0:
		return fmt.Errorf("%d and %d packets were made, want some of both kinds", n[0], n[2])
	case n[1] != n[0]:
		return fmt.Errorf("%d of %d packets passed the ACL that all of them may pass", n[1], n[0])
	case n[3] != 0:
		return fmt.Errorf("%d of %d packets passed the ACL that none of them may pass", n[3], n[2])
	}
	return nil
}

func replace(ctx context.Context, c *client.Client, i int) error {
	arg, err := message(schemas.ClassByName("ACL").Arg, rulesFor(replaceRules+i%2))
	if err != nil {
		return err
	}
	_, err = c.UpdateModule(ctx, "acl", arg)
	if !client.IsUnimplemented(err) {
		return err
	}
	// The original engine has no such call: its users pause all workers.
	return paused(ctx, c, func() error { return refill(ctx, c, arg) })
}

func refill(ctx context.Context, c *client.Client, arg *anypb.Any) error {
	if _, err := c.Command(ctx, "acl", "clear", nil); err != nil {
		return err
	}
	_, err := c.Command(ctx, "acl", "add", arg)
	return err
}

// paused does something while no worker runs.
func paused(ctx context.Context, c *client.Client, do func() error) error {
	if err := c.PauseAll(ctx); err != nil {
		return err
	}
	err := do()
	_, resume := c.ResumeAll(ctx)
	return errors.Join(err, resume)
}

func (e *RulesEntry) line() string {
	if e.Error != "" {
		return fmt.Sprintf("%s: %s FAILED: %s", e.Target, e.Name, e.Error)
	}
	return fmt.Sprintf("%s: %s: %.2f s, %.0f rules per second", e.Target, e.Name, e.Seconds, e.PerSecond)
}

// Failed tells whether a way failed on a target.
func (r *RulesReport) Failed() bool {
	for _, e := range r.Rows {
		if e.Error != "" {
			return true
		}
	}
	return false
}

// Markdown writes the report as a table.
func (r *RulesReport) Markdown(w io.Writer) {
	r.Machine.markdown(w)
	fmt.Fprintln(w, "| Way | Target | Rules | Seconds | Rules per second |\n|---|---|---:|---:|---:|")
	for _, e := range r.Rows {
		if e.Error != "" {
			fmt.Fprintf(w, "| %s | %s | %d | failed: %s | |\n", e.Name, e.Target, e.Rules, e.Error)
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.2f | %.0f |\n", e.Name, e.Target, e.Rules, e.Seconds, e.PerSecond)
	}
}
