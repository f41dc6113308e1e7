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
	// Seconds is what it took, all told.
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

// rulesWay is a way to fill or to replace.
type rulesWay struct {
	name  string
	rules int
	run   func(ctx context.Context, c *client.Client, core int) error
}

func rulesWays() []rulesWay {
	return []rulesWay{
		{"ExactMatch, one call for each rule", manyRules, oneByOne},
		{"ExactMatch, all rules in one call", manyRules, atOnce},
		{"ExactMatch, all rules from a file of JSON", manyRules, fromFile},
		{fmt.Sprintf("ACL of %d rules replaced %d times under traffic", replaceRules, replaceTimes), replaceRules * replaceTimes, replaceACL},
	}
}

// Rules measures, target by target, how fast rules get into a daemon.
func Rules(ctx context.Context, o Options) (*RulesReport, error) {
	for _, c := range o.Targets {
		if err := empty(ctx, c); err != nil {
			return nil, err
		}
	}
	r := &RulesReport{Machine: startMachine()}
	for _, way := range rulesWays() {
		for _, c := range o.Targets {
			e := RulesEntry{Name: way.name, Target: c.Address(), Rules: way.rules}
			if err := ready(ctx, c, o.Cores[0]); err != nil {
				return nil, err
			}
			begin := time.Now()
			if err := way.run(ctx, c, o.Cores[0]); err != nil {
				e.Error = err.Error()
			} else {
				e.Seconds = time.Since(begin).Seconds()
				e.PerSecond = float64(way.rules) / e.Seconds
			}
			r.Rows = append(r.Rows, e)
			if o.Progress != nil {
				_, _ = fmt.Fprintln(o.Progress, e.line()) // progress may be lost
			}
			if err := errors.Join(clear(context.WithoutCancel(ctx), c), ctx.Err()); err != nil {
				return nil, err
			}
		}
	}
	r.Machine.finish()
	return r, nil
}

// ready makes a table "em" and a worker, which is paused.
func ready(ctx context.Context, c *client.Client, core int) error {
	if err := clear(ctx, c); err != nil {
		return err
	}
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

func oneByOne(ctx context.Context, c *client.Client, _ int) error {
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

func atOnce(ctx context.Context, c *client.Client, _ int) error {
	return configure(ctx, c, exactConfig())
}

// fromFile includes writing the file, reading it and checking what it says.
func fromFile(ctx context.Context, c *client.Client, _ int) error {
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

// replaceACL replaces a long list by another one that decides the same, while
// packets pass: each of them must come out, whichever list it met.
func replaceACL(ctx context.Context, c *client.Client, core int) error {
	p := &pipeline{}
	acl(p, replaceRules)
	if err := clear(ctx, c); err != nil {
		return err
	}
	if err := build(ctx, c, p, []int{core}); err != nil {
		return err
	}
	if _, err := c.ResumeAll(ctx); err != nil {
		return err
	}
	for i := range replaceTimes {
		if err := replace(ctx, c, i); err != nil {
			return err
		}
	}
	if err := c.PauseAll(ctx); err != nil {
		return err
	}
	return balance(ctx, c, p)
}

func replace(ctx context.Context, c *client.Client, i int) error {
	p := &pipeline{}
	acl(p, replaceRules+i%2)
	args := p.modules[2].args
	arg, err := message(schemas.ClassByName("ACL").Arg, args)
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
