// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

const monitorLong = `Shows rates, measured over an interval again and again until Ctrl-C or --count.
On a terminal the table is drawn in place, otherwise one after the other; -o
json writes one line per interval. Rates are per second of the daemon's clock.
Bits include 24 bytes of Ethernet overhead per packet. A daemon that goes away
is waited for.`

// minInterval keeps an operator's tool from becoming a load.
const minInterval = 50 * time.Millisecond

// pace is how often to measure.
type pace struct {
	interval time.Duration
	count    int // 0: for ever
}

func (p *pace) check() error {
	if p.interval < minInterval {
		return fmt.Errorf("--interval %v: must be at least %v", p.interval, minInterval)
	}
	if p.count < 0 {
		return fmt.Errorf("--count %d: must not be negative", p.count)
	}
	return nil
}

func monitorCommand(a *app) *cobra.Command {
	p := &pace{}
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Show rates, again and again",
		Long:  monitorLong,
		Args:  cobra.ArbitraryArgs,
		RunE:  noVerb,
	}
	f := cmd.PersistentFlags()
	f.DurationVar(&p.interval, "interval", time.Second, "time between two measurements")
	f.IntVar(&p.count, "count", 0, "number of measurements; 0: until Ctrl-C")
	cmd.AddCommand(monitorPipelineCommand(a, p), monitorModuleCommand(a, p), monitorPortCommand(a, p),
		monitorWorkerCommand(a, p), monitorTCCommand(a, p))
	return cmd
}

// interval is what a measurement was made over, for the output.
type interval struct {
	// Timestamp is the daemon's time of the second reading in seconds since
	// 1970.
	Timestamp float64 `json:"timestamp"`
	// Seconds is the time between the readings.
	Seconds float64 `json:"seconds"`
}

func (i interval) measured() interval { return i }

// meter is something to monitor: S is a reading, R the rates between two.
type meter[S any, R interface{ measured() interval }] struct {
	noun string
	read func(ctx context.Context, c *client.Client) (S, error)
	// rates compares two readings. The span notices counters that have started
	// over.
	rates func(old, next S, s *span) R
	draw  func(w io.Writer, r R)
}

// run measures until the context ends, which is no error, or until the count
// is reached. The first reading must succeed: later a daemon may go and come.
func (m *meter[S, R]) run(ctx context.Context, a *app, p *pace) error {
	if err := p.check(); err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		old, err := m.read(ctx, c)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		out := a.newFrames("monitor " + m.noun + "  " + c.Address())
		defer out.end()
		valid := true
		for n := 1; ; n++ {
			if !a.wait(ctx, p.interval) {
				return nil
			}
			next, err := m.read(ctx, c)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				out.trouble(err)
			} else if valid {
				span := &span{}
				if err := m.show(a, out, m.rates(old, next, span), span); err != nil {
					return err
				}
			}
			if n == p.count {
				return err
			}
			old, valid = next, err == nil
		}
	})
}

// unlessEnded returns nil for an error that is due to the end of the program.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// show writes one measurement.
func (m *meter[S, R]) show(a *app, out *frames, r R, s *span) error {
	out.fine()
	if s.backwards {
		out.note("counters have started over")
	}
	switch a.output {
	case asJSON:
		return writeJSON(a.Out, r, "")
	case asYAML:
		if _, err := io.WriteString(a.Out, "---\n"); err != nil {
			return err
		}
		return writeYAML(a.Out, r)
	}
	var b bytes.Buffer
	m.draw(&b, r)
	i := r.measured()
	return out.frame(fmt.Sprintf("%s  %.2f s", clock(i.Timestamp), i.Seconds), b.String())
}

// span is the time between two readings.
type span struct {
	backwards bool
	// newest is the latest time seen, and longest the longest time between two
	// readings of one thing.
	newest, longest float64
}

// between returns the rates of something read at two times, nil if they
// cannot be told because its clock stood still.
func (s *span) between(old, now float64) *lapse {
	if now <= old {
		return nil
	}
	s.newest, s.longest = max(s.newest, now), max(s.longest, now-old)
	return &lapse{s, now - old}
}

// interval returns what was measured over.
func (s *span) interval() interval {
	if s.newest == 0 { // there was nothing to measure
		return interval{Timestamp: now()}
	}
	return interval{s.newest, s.longest}
}

// now returns the local time as the daemon tells its own.
func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

// lapse is the time between two readings of one thing.
type lapse struct {
	span    *span
	seconds float64
}

// rate returns the growth of a counter per second.
func (l *lapse) rate(old, now uint64) float64 { return float64(l.grown(old, now)) / l.seconds }

// grown returns the growth of a counter. One that has started over has grown
// by nothing.
func (l *lapse) grown(old, now uint64) uint64 {
	if now < old {
		l.span.backwards = true
		return 0
	}
	return now - old
}

// ratio divides; nothing by nothing is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// realWait waits for d; false if the context ended first.
func realWait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
