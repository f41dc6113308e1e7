// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/sys/loadgen"
)

// IORow is something that forwards, to be measured.
type IORow struct {
	Name, Title string
	how         string // of the generator; "": as the interface takes it
	// daemons says that each daemon is measured, with what subject makes for
	// it; otherwise it is made once.
	daemons bool
	subject func(r *ioRun) ioSubject
}

// ioSubject is what forwards in a row.
type ioSubject interface {
	// start makes it, with its interfaces, and has it forward.
	start(ctx context.Context) error
	// times returns how long each of its threads has run.
	times() map[string]time.Duration
	// stop removes it; whatever start came to.
	stop(ctx context.Context) error
}

// ioCounter is a subject that says how many packets it has sent.
type ioCounter interface {
	sent(ctx context.Context) (uint64, error)
}

// IORows returns the rows of the benchmark of ports: ports of the daemons, and
// for comparison what the kernel does alone.
func IORows() []IORow {
	tap := func(driver string) func(*ioRun) ioSubject {
		return portRow(driver, false, func(_, space string) map[string]any { return map[string]any{"ifname": loadgen.Far, "netns": space} })
	}
	return []IORow{
		{"afxdp", "AF_XDP on a veth pair (AFXDPPort)", loadgen.Live, true,
			portRow("AFXDPPort", true, func(near, _ string) map[string]any { return map[string]any{"ifname": near} })},
		{"afpacket", "AF_PACKET on a veth pair (AFPacketPort)", "", true,
			portRow("AFPacketPort", true, func(near, _ string) map[string]any { return map[string]any{"interface": near} })},
		{"afpacket-blocks", "AF_PACKET in blocks", "", true,
			portRow("AFPacketPort", true, func(near, _ string) map[string]any { return map[string]any{"interface": near, "ring": "blocks"} })},
		{"tap", "TAP (TAPPort)", loadgen.Windowed, true, tap("TAPPort")},
		{"vport", "TAP by BESS's name (VPort)", loadgen.Windowed, true, tap("VPort")},
		{"vhost", "vhost-user, there and back, behind AF_XDP (VhostUserPort)", loadgen.Live, true, newIOVhost},
		{"bridge", "Linux bridge between two veth pairs", loadgen.Windowed, false, func(r *ioRun) ioSubject { return &ioBridge{r: r} }},
	}
}

// ioFrame is the frame that is sent: the shortest there is, without its check
// sequence. It holds UDP in IPv4, with the checksum that some look at.
func ioFrame() []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0x66, 0xbd, 10, 0, 0, 1, 10, 0, 0, 2,
		0, 9, 0, 9, 0, 26, 0, 0})
	return f
}

// Probes of each reading of the latency, and the time between two.
const (
	ioProbes   = 500
	ioInterval = time.Millisecond
	// ioLost is the part of what the port says to have sent that may be missing
	// at the sink: what was on the way when the readings were taken.
	ioLost = 0.02
)

// RunIO measures ports. The daemons must be in this network namespace, and
// have no pipeline.
func RunIO(ctx context.Context, o Options, rows []IORow) (*IOReport, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the benchmark of ports makes network namespaces and interfaces, and needs root")
	}
	machine, err := o.begin(ctx)
	if err != nil {
		return nil, err
	}
	pids := map[*client.Client]int{}
	for _, c := range o.Targets {
		pid, err := neighbour(c)
		if err != nil {
			return nil, err
		}
		pids[c] = pid
	}
	r := &IOReport{Machine: machine}
	for _, row := range rows {
		targets := o.Targets
		if !row.daemons {
			targets = []*client.Client{nil}
		}
		for _, c := range targets {
			res := runIORow(ctx, o, row, c, pids[c])
			r.Rows = append(r.Rows, res)
			o.tell(res.line())
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	r.Machine.finish()
	return r, nil
}

// neighbour returns the process of a daemon. It refuses one that would not see
// the interfaces.
func neighbour(c *client.Client) (int, error) {
	pid, err := findProcess(c.Address())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Address(), err)
	}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0, err
	}
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err == nil && ours != theirs {
		err = fmt.Errorf("%s: the daemon is in another network namespace", c.Address())
	}
	return pid, err
}

// ioRun is a row under way.
type ioRun struct {
	o    Options
	row  IORow
	c    *client.Client
	pid  int
	site *loadgen.Site
	res  *IORowResult
	it   ioSubject
}

func runIORow(ctx context.Context, o Options, row IORow, c *client.Client, pid int) *IORowResult {
	r := &ioRun{o: o, row: row, c: c, pid: pid, res: &IORowResult{Name: row.Name, Title: row.Title}}
	if c != nil {
		r.res.Target = c.Address()
	}
	r.it = row.subject(r)
	if err := r.run(ctx); err != nil {
		var m *missingError
		if errors.As(err, &m) {
			r.res.Missing = m.Error()
		} else {
			r.res.Error = err.Error()
		}
	}
	return r.res
}

func (r *ioRun) run(ctx context.Context) (err error) {
	if r.site, err = loadgen.NewSite(); err != nil {
		return err
	}
	defer r.site.Close()
	defer func() { err = errors.Join(err, r.it.stop(context.WithoutCancel(ctx))) }()
	if err := r.it.start(ctx); err != nil {
		return err
	}
	if r.res.Generator = r.row.how; r.res.Generator == "" {
		r.res.Generator = loadgen.Sockets
		if r.site.TakesLive(near()) {
			r.res.Generator = loadgen.Live
		}
	}
	if err := r.site.Sink(); err != nil {
		return err
	}
	wait(ctx, r.o.Warmup)
	r.rest(ctx)
	if r.res.Idle, err = r.latency(ctx); err != nil {
		return err
	}
	if r.res.Woken, err = r.woken(ctx); err != nil {
		return err
	}
	if err := r.rate(ctx); err != nil {
		return err
	}
	g := r.site.Generate(r.res.Generator, ioFrame(), r.res.Mpps.Median*1e6/2, r.o.Cores[1])
	r.res.HalfLoad, err = r.latency(ctx)
	return errors.Join(err, g.Stop())
}

// near and nearby are the interfaces of this namespace that frames arrive at
// and, if that is another one, leave through.
func near() string   { return fmt.Sprintf("bio%d", os.Getpid()) }
func nearby() string { return near() + "o" }

// latency sends probes.
func (r *ioRun) latency(ctx context.Context) (*Latency, error) {
	took, lost, err := r.site.Probe(ctx, ioProbes, ioInterval, r.o.Cores[1])
	if err != nil {
		return nil, err
	}
	if len(took) == 0 {
		return nil, errors.New("no probe came back")
	}
	return newLatency(took, lost), nil
}

// rest looks what the threads use that have nothing to do.
func (r *ioRun) rest(ctx context.Context) {
	begun, before := time.Now(), r.it.times()
	wait(ctx, r.o.Length)
	r.res.CPUIdle = total(before, r.it.times()).Seconds() / time.Since(begun).Seconds()
}

// watches is how often it is tried to watch a thread that sleeps.
const watches = 3

// woken measures how long it takes until a thread that sleeps runs again when
// a frame comes; nil for one that does not sleep, or that cannot be watched.
func (r *ioRun) woken(ctx context.Context) (*Latency, error) {
	for range watches {
		before := r.it.times()
		if _, err := r.latency(ctx); err != nil {
			return nil, err
		}
		thread := busiestThread(before, r.it.times())
		tid, err := strconv.Atoi(filepath.Base(thread))
		if err != nil {
			return nil, nil // no thread has run
		}
		slept := sleeps(thread)
		took, err := r.site.Wake(ctx, tid, ioProbes, ioInterval, r.o.Cores[1])
		if errors.Is(err, loadgen.ErrNoTracing) {
			r.res.NotWatched = err.Error()
			return nil, nil // the rest of the row can be measured all the same
		}
		if err != nil {
			return nil, err
		}
		// Else it was another thread of the process, or frames came when it was
		// awake.
		if len(took) > 0 && sleeps(thread)-slept >= uint64(len(took)) {
			return newLatency(took, 0), nil
		}
	}
	return nil, nil
}

// reading is what was counted up to a moment.
type reading struct {
	at      time.Time
	arrived uint64 // at the sink
	// The subject says what it has sent, but takes time to answer: asked
	// before and after the rest.
	sent, then uint64
	counted    bool // it does say so
	// Processor time of the threads that work for the port, and how often they
	// went to sleep.
	worker, softirq map[string]time.Duration
	sleeps          map[string]uint64
}

func (r *ioRun) read(ctx context.Context) (v reading, err error) {
	if v.sent, v.counted, err = r.sent(ctx); err != nil {
		return v, err
	}
	v.worker, v.softirq = r.it.times(), softirqTime(r.o.Cores[0])
	v.sleeps = map[string]uint64{}
	for t := range v.worker {
		v.sleeps[t] = sleeps(t)
	}
	v.at = time.Now()
	if v.arrived, err = r.site.Arrived(); err != nil {
		return v, err
	}
	v.then, _, err = r.sent(ctx)
	return v, err
}

// sent asks the subject, if it counts.
func (r *ioRun) sent(ctx context.Context) (n uint64, counted bool, err error) {
	c, counted := r.it.(ioCounter)
	if counted {
		n, err = c.sent(ctx)
	}
	return n, counted, err
}

// rate measures at full load.
func (r *ioRun) rate(ctx context.Context) (err error) {
	g := r.site.Generate(r.res.Generator, ioFrame(), 0, r.o.Cores[1])
	defer func() { err = errors.Join(err, g.Stop()) }()
	wait(ctx, r.o.Warmup)
	var mpps, each, cpu, slept []float64
	for range r.o.Repeat {
		a, err := r.read(ctx)
		if err != nil {
			return err
		}
		wait(ctx, r.o.Length)
		b, err := r.read(ctx)
		if err != nil {
			return err
		}
		n, span := float64(b.arrived-a.arrived), b.at.Sub(a.at).Seconds()
		if n == 0 {
			return errors.New("nothing came back")
		}
		least, most := float64(b.sent)-float64(a.then), float64(b.then)-float64(a.sent)
		if a.counted && (least > n*(1+ioLost)+burstSlack || n > most*(1+ioLost)+burstSlack) {
			return fmt.Errorf("wrong: the port has sent %.0f to %.0f packets, %.0f came back", least, most, n)
		}
		worker := busiestThread(a.worker, b.worker)
		if worker == "" {
			return fmt.Errorf("no thread that is bound to core %d alone has run", r.o.Cores[0])
		}
		ran := (total(a.worker, b.worker) + total(a.softirq, b.softirq)).Seconds()
		mpps, cpu = append(mpps, n/span/1e6), append(cpu, ran/span)
		each, slept = append(each, n/ran/1e6), append(slept, float64(b.sleeps[worker]-a.sleeps[worker])/span)
	}
	r.res.Mpps, r.res.PerCPU, r.res.CPU, r.res.Sleeps = spread(mpps), spread(each), spread(cpu), spread(slept)
	return ctx.Err()
}

// burstSlack is what may be on the way at both ends of a short measurement.
const burstSlack = 8192

// softirqTime returns how long the kernel's thread that works off what
// interfaces have queued on a core has run: work for the port, too.
func softirqTime(core int) map[string]time.Duration {
	name := fmt.Sprintf("ksoftirqd/%d", core)
	files, _ := filepath.Glob("/proc/[0-9]*/comm") // the pattern is well-formed
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.TrimSpace(string(b)) == name {
			return map[string]time.Duration{name: runTime(filepath.Dir(f))}
		}
	}
	return nil
}

// total returns the time that all threads have run between two readings.
func total(before, after map[string]time.Duration) (sum time.Duration) {
	for t, d := range after {
		sum += d - before[t]
	}
	return sum
}
