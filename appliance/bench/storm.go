// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// A storm is what control programs do at worst, all at once and as fast as
// they can: one adds and removes rules, one makes and destroys modules, one
// polls counters, one exports the pipeline.

// StormReport is what a storm did to the packets of each target.
type StormReport struct {
	Machine *Machine      `json:"machine"`
	Results []StormResult `json:"results"`
}

// StormResult compares a storm with quiet.
type StormResult struct {
	Target string      `json:"target"`
	Quiet  StormPhase  `json:"quiet"`
	Storm  StormPhase  `json:"storm"`
	Calls  []StormCall `json:"calls"`
	// Kept is the rate in the storm by that in quiet, pair by pair.
	Kept  Spread `json:"kept"`
	Error string `json:"error,omitempty"`
}

// StormPhase is what was measured with or without a storm.
type StormPhase struct {
	// Mpps is in millions of packets per second of wall-clock time.
	Mpps Spread `json:"mpps"`
	// CPU is the part of its core that the worker had, 0 to 1.
	CPU Spread `json:"cpu"`
	// Gaps are times between one batch and the next, in microseconds: the
	// median of the runs for percentiles, the largest for the maximum.
	Gaps Gaps `json:"gaps_us"`
}

// Gaps is a distribution, in microseconds.
type Gaps struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	P9999 float64 `json:"p99_99"`
	Max   float64 `json:"max"`
}

// StormCall counts what one of the clients did.
type StormCall struct {
	What string `json:"what"`
	// PerSecond is how many of them the daemon answered; Failed how many it
	// refused, all told.
	PerSecond float64 `json:"per_second"`
	Failed    uint64  `json:"failed"`
}

// stormRules is the length of the rule list that is under attack.
const stormRules = 100

// stormPipeline is the row acl-100 with a queue behind it. Packets are marked
// behind the source and measured behind the queue, one scheduling round later:
// their latency is the gap between two batches of the worker.
func stormPipeline() *pipeline {
	p := &pipeline{}
	acl(p, stormRules)
	made := p.modules
	p.modules, p.links, p.exits = nil, nil, nil
	mark := map[string]any{"attr_name": "mark"}
	p.apart("src", "Source", made[0].args)
	p.add("ts", "Timestamp", mark)
	p.add("rw", "Rewrite", made[1].args)
	p.add("acl", "ACL", made[2].args)
	p.add("q", "Queue", map[string]any{"size": 1024})
	p.add("ms", "Measure", map[string]any{"attr_name": "mark", "latency_ns_max": 500_000_000, "latency_ns_resolution": 100})
	p.sink(1, nil)
	return p
}

// Storm measures every target in quiet and in a storm, in turn.
func Storm(ctx context.Context, o Options) (*StormReport, error) {
	machine, err := o.begin(ctx)
	if err != nil {
		return nil, err
	}
	r := &StormReport{Machine: machine}
	for _, c := range o.Targets {
		res := stormOne(ctx, o, c)
		r.Results = append(r.Results, res)
		o.tell(res.line())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	r.Machine.finish()
	return r, nil
}

func stormOne(ctx context.Context, o Options, c *client.Client) StormResult {
	res := StormResult{Target: c.Address()}
	s := &side{c: c}
	s.pid, _ = findProcess(c.Address()) // elsewhere: its CPU time stays unknown
	defer func() { _ = clear(context.WithoutCancel(ctx), c) }()
	p := stormPipeline()
	if err := s.prepare(ctx, o, Row{}, p); err != nil {
		res.Error = err.Error()
		return res
	}
	if _, err := c.ResumeAll(ctx); err != nil {
		res.Error = err.Error()
		return res
	}
	wait(ctx, settle)
	var quiet, storm phases
	var kept []float64
	total := newClients(c)
	for range o.Repeat {
		if err := quiet.measure(ctx, o, s, func(context.Context) {}); err != nil {
			res.Error = err.Error()
			return res
		}
		if err := storm.measure(ctx, o, s, total.run); err != nil {
			res.Error = err.Error()
			return res
		}
		kept = append(kept, storm.mpps[len(storm.mpps)-1]/quiet.mpps[len(quiet.mpps)-1])
	}
	res.Quiet, res.Storm, res.Kept = quiet.result(), storm.result(), spread(kept)
	res.Calls = total.calls(o.Length.Seconds() * float64(o.Repeat))
	return res
}

// phases collects the readings of one kind of phase.
type phases struct {
	mpps, cpu                  []float64
	p50, p99, p999, p9999, max []float64
}

func (ph *phases) result() StormPhase {
	return StormPhase{Mpps: spread(ph.mpps), CPU: spread(ph.cpu), Gaps: Gaps{
		P50: spread(ph.p50).Median, P99: spread(ph.p99).Median, P999: spread(ph.p999).Median,
		P9999: spread(ph.p9999).Median, Max: spread(ph.max).Max,
	}}
}

// measure takes one reading while load runs beside it.
func (ph *phases) measure(ctx context.Context, o Options, s *side, load func(context.Context)) error {
	during, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { load(during) })
	defer wg.Wait()
	defer stop()
	if _, err := summary(ctx, s.c, true); err != nil {
		return err
	}
	cpu0 := threadTimes(s.pid, o.Cores[0])
	a, err := s.c.TCStats(ctx, "!leaf_src:0")
	if err != nil {
		return err
	}
	wait(ctx, o.Length)
	b, err := s.c.TCStats(ctx, "!leaf_src:0")
	if err != nil {
		return err
	}
	ran := busiest(cpu0, threadTimes(s.pid, o.Cores[0]))
	g, err := summary(ctx, s.c, false)
	if err != nil {
		return err
	}
	span := b.GetTimestamp() - a.GetTimestamp()
	ph.mpps = append(ph.mpps, float64(b.GetPackets()-a.GetPackets())/span/1e6)
	ph.cpu = append(ph.cpu, min(ran.Seconds()/span, 1))
	for i, list := range []*[]float64{&ph.p50, &ph.p99, &ph.p999, &ph.p9999, &ph.max} {
		*list = append(*list, g[i])
	}
	return ctx.Err()
}

// summary reads the distribution that Measure has collected, in microseconds:
// four percentiles and the maximum.
func summary(ctx context.Context, c *client.Client, clear bool) (out [5]float64, err error) {
	arg, err := message(schemas.ClassByName("Measure").Command("get_summary").Arg,
		map[string]any{"clear": clear, "latency_percentiles": []any{50.0, 99.0, 99.9, 99.99}})
	if err != nil {
		return out, err
	}
	resp, err := c.Command(ctx, "ms", "get_summary", arg)
	if err != nil {
		return out, err
	}
	v, err := decode(resp)
	if err != nil {
		return out, err
	}
	latency := v.Get(v.Descriptor().Fields().ByName("latency")).Message()
	fields := latency.Descriptor().Fields()
	list := latency.Get(fields.ByName("percentile_values_ns")).List()
	for i := range min(list.Len(), 4) {
		out[i] = float64(list.Get(i).Uint()) / 1000
	}
	out[4] = float64(latency.Get(fields.ByName("max_ns")).Uint()) / 1000
	return out, nil
}

// clients are the four that make the storm.
type clients struct {
	c    *client.Client
	jobs []*job
}

type job struct {
	what         string
	do           func(ctx context.Context, c *client.Client) error
	done, failed atomic.Uint64
}

func newClients(c *client.Client) *clients {
	n := 0
	return &clients{c: c, jobs: []*job{
		{what: "rule added or removed", do: func(ctx context.Context, c *client.Client) error { n++; return changeRules(ctx, c, n) }},
		{what: "module made and destroyed", do: changeModules},
		{what: "counters polled", do: poll},
		{what: "pipeline exported", do: export},
	}}
}

// run lets all clients loose until the context ends. What has begun then is
// finished: half of it would stand in the way of the next run.
func (s *clients) run(ctx context.Context) {
	whole := context.WithoutCancel(ctx)
	var wg sync.WaitGroup
	for _, j := range s.jobs {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := j.do(whole, s.c); err == nil {
					j.done.Add(1)
				} else {
					j.failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
}

func (s *clients) calls(seconds float64) (out []StormCall) {
	for _, j := range s.jobs {
		out = append(out, StormCall{What: j.what, PerSecond: float64(j.done.Load()) / seconds, Failed: j.failed.Load()})
	}
	return out
}

// changeRules appends rules that match no packet and now and then makes the
// list short again, by the same calls in every daemon.
func changeRules(ctx context.Context, c *client.Client, n int) error {
	rules := []any{map[string]any{"src_ip": fmt.Sprintf("203.0.%d.%d/32", n>>8&255, n&255), "drop": true}}
	if n%stormRules == 0 {
		if err := running(ctx, c, "clear", nil); err != nil {
			return err
		}
		rules = []any{map[string]any{"drop": false}}
	}
	arg, err := message(schemas.ClassByName("ACL").Command("add").Arg, map[string]any{"rules": rules})
	if err != nil {
		return err
	}
	return running(ctx, c, "add", arg)
}

// running gives the ACL a command; to a daemon that refuses it while workers
// run, in the way its users do: with all workers paused.
func running(ctx context.Context, c *client.Client, cmd string, arg *anypb.Any) error {
	_, err := c.Command(ctx, "acl", cmd, arg)
	if !client.IsBusy(err) {
		return err
	}
	return paused(ctx, c, func() error {
		_, err := c.Command(ctx, "acl", cmd, arg)
		return err
	})
}

func changeModules(ctx context.Context, c *client.Client) error {
	if _, err := c.CreateModule(ctx, "storm", "Bypass", nil); err != nil {
		return err
	}
	return c.DestroyModule(ctx, "storm")
}

func poll(ctx context.Context, c *client.Client) error {
	if _, err := c.TCStats(ctx, "!leaf_src:0"); err != nil {
		return err
	}
	_, err := c.Module(ctx, "acl")
	return err
}

// export reads all of the pipeline: at once where the daemon can, module by
// module elsewhere.
func export(ctx context.Context, c *client.Client) error {
	_, err := c.Export(ctx)
	if !client.IsUnimplemented(err) {
		return err
	}
	modules, err := c.Modules(ctx)
	if err != nil {
		return err
	}
	for _, m := range modules {
		if _, err := c.Module(ctx, m.GetName()); err != nil && !client.IsNotFound(err) {
			return err
		}
		if _, err := c.InitialArg(ctx, m.GetName()); err != nil && !client.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (r *StormResult) line() string {
	if r.Error != "" {
		return fmt.Sprintf("%s FAILED: %s", r.Target, r.Error)
	}
	return fmt.Sprintf("%s: quiet %.1f Mpps, storm %.1f Mpps, kept %.1f %%; gaps p99.99 %.0f µs, max %.0f µs (quiet %.0f, %.0f)",
		r.Target, r.Quiet.Mpps.Median, r.Storm.Mpps.Median, 100*r.Kept.Median,
		r.Storm.Gaps.P9999, r.Storm.Gaps.Max, r.Quiet.Gaps.P9999, r.Quiet.Gaps.Max)
}

// Failed tells whether a target could not be measured.
func (r *StormReport) Failed() bool {
	for _, t := range r.Results {
		if t.Error != "" {
			return true
		}
	}
	return false
}

// Markdown writes the report as tables.
func (r *StormReport) Markdown(w io.Writer) {
	r.Machine.markdown(w)
	fmt.Fprintln(w, "| Target | Phase | Mpps | CPU | Gap p50, µs | p99 | p99.9 | p99.99 | max |\n|---|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, t := range r.Results {
		if t.Error != "" {
			fmt.Fprintf(w, "| %s | failed: %s | | | | | | | |\n", t.Target, t.Error)
			continue
		}
		for _, ph := range []struct {
			name string
			StormPhase
		}{{"quiet", t.Quiet}, {"storm", t.Storm}} {
			g := ph.Gaps
			fmt.Fprintf(w, "| %s | %s | %.1f (%.1f–%.1f) | %.0f %% | %.2f | %.2f | %.1f | %.1f | %.0f |\n", t.Target, ph.name,
				ph.Mpps.Median, ph.Mpps.Min, ph.Mpps.Max, 100*ph.CPU.Median, g.P50, g.P99, g.P999, g.P9999, g.Max)
		}
		fmt.Fprintf(w, "| %s | kept | %.1f %% | | | | | | |\n", t.Target, 100*t.Kept.Median)
	}
	fmt.Fprintln(w, "\n| Target | Client | Calls per second | Refused |\n|---|---|---:|---:|")
	for _, t := range r.Results {
		for _, c := range t.Calls {
			fmt.Fprintf(w, "| %s | %s | %.0f | %d |\n", t.Target, c.What, c.PerSecond, c.Failed)
		}
	}
}
