// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bessform/terraform-provider-bess/appliance/bench"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	targets  []string
	only     []string
	cores    []int
	seconds  float64
	warmup   float64
	repeat   int
	list     bool
	growth   bool
	markdown string
	json     string
}

func benchCommand(a *app) *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast daemons move packets through given pipelines",
		Long: "Builds one pipeline after the other on every target and measures packets per\nsecond from the counters of the traffic classes. Targets " +
			"are measured in turn,\nA B A B, and compared pair by pair; any daemon with the API of BESS can be one.\n" +
			"A target must have no pipeline: the benchmark takes all of it.\n\n" +
			"What comes out of each pipeline is counted and, for daemons on this machine,\nlooked at; a wrong answer is an error. Where the " +
			"worker's thread can be seen,\nrates are per second of CPU time it had.\n\n" +
			"Exit status: 0; 1 if a row failed. A class that a target lacks is reported as\nmissing and is no failure.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	shared := cmd.PersistentFlags()
	shared.StringArrayVar(&f.targets, "target", nil, "daemon to measure, may be repeated; default: --address")
	shared.IntSliceVar(&f.cores, "cores", []int{0, 1}, "CPU cores of the workers; the second one is used by rows with two workers")
	shared.Float64Var(&f.seconds, "seconds", 2, "length of one measurement, in seconds")
	shared.Float64Var(&f.warmup, "warmup", 1, "how long a pipeline runs before it is measured, in seconds")
	shared.IntVar(&f.repeat, "repeat", 5, "measurements of each row and target")
	shared.StringVar(&f.markdown, "markdown", "", "also write the tables as Markdown into this `file`")
	shared.StringVar(&f.json, "json", "", "also write the results as JSON into this `file`")
	fs := cmd.Flags()
	fs.StringSliceVar(&f.only, "only", nil, "`rows` to run, by name; a name ending in - or * stands for all that begin with it")
	fs.BoolVar(&f.list, "list", false, "list the rows and do nothing")
	fs.BoolVar(&f.growth, "growth", false, "the rows that show how the cost of a packet grows with the work, instead of the suite")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		rows, err := pickRows(f)
		if err != nil {
			return err
		}
		if f.list {
			return a.emit(rowList(rows), func(w io.Writer) { drawRows(w, rows) })
		}
		return a.measure(cmd.Context(), f, rows, func(ctx context.Context, o bench.Options) (benchReport, error) { return bench.Run(ctx, o) })
	}
	cmd.AddCommand(benchStormCommand(a, f), benchRulesCommand(a, f), benchIOCommand(a, f))
	return cmd
}

func benchStormCommand(a *app, f *benchFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "storm",
		Short: "Measure what a busy control plane does to the packets",
		Long: "Measures a pipeline with an access list in quiet and while four clients do, as\nfast as they can, what control programs do at worst: one adds and " +
			"removes rules,\none makes and destroys modules, one polls counters, one exports the pipeline.\n" +
			"Reported are the rate that is kept and the distribution of the times between\nbatches, which the daemon's own Measure module collects. " +
			"Give the workers and the\nrest of the machine cores of their own: the first of --cores is the worker's.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.measure(cmd.Context(), f, nil, func(ctx context.Context, o bench.Options) (benchReport, error) { return bench.Storm(ctx, o) })
	}
	return cmd
}

func benchRulesCommand(a *app, f *benchFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Measure how fast large tables are filled and replaced",
		Long: "Brings 100,000 rules into an ExactMatch one by one, in one call and from a file,\nand replaces the 10,000 rules of an ACL while packets pass, " +
			"none of which may be\nlost.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.measure(cmd.Context(), f, nil, func(ctx context.Context, o bench.Options) (benchReport, error) { return bench.Rules(ctx, o) })
	}
	return cmd
}

func benchIOCommand(a *app, f *benchFlags) *cobra.Command {
	var only, peers []string
	cmd := &cobra.Command{
		Use:   "io",
		Short: "Measure how fast ports of each kind take in and send out packets",
		Long: "Makes a network namespace with an interface for each kind of port, lets the\ndaemon swap the addresses of all frames of 60 bytes that come and send them\n" +
			"back, on one worker, and removes everything. Reported are the packets that come\nback per second and per second of processor time of the worker, the kernel's\n" +
			"part included, how long single frames take, without others and at half of that\nrate, how soon they wake a worker that sleeps, and what it uses while it does.\n\n" +
			"A bridge of the kernel is measured beside them, and so is any other program that\n--peer starts: a shell command in which {in} stands for the interface that frames\n" +
			"arrive at, {out} for the one they are to leave through (without it they are to\nreturn through {in}), {core} for the core to which the thread that forwards must\nbe bound, {other} for the other one.\n\n" +
			"The first of --cores is the worker's, the second the generator's. Needs root,\nand daemons in this network namespace.",
		Example:           "  bessctl bench io --only afpacket --peer 'relay=taskset -c {core} relay {in} {out}'",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "`rows` to measure: afxdp, afpacket, afpacket-blocks, tap, vport, vhost, bridge; default: all")
	cmd.Flags().StringArrayVar(&peers, "peer", nil, "also measure another program, `name=command`; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		rows, err := pickIORows(only)
		if err != nil {
			return err
		}
		for _, p := range peers {
			row, err := bench.NewIOPeer(p)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return a.measure(cmd.Context(), f, nil, func(ctx context.Context, o bench.Options) (benchReport, error) { return bench.RunIO(ctx, o, rows) })
	}
	return cmd
}

// pickIORows returns the rows of the given names, all without names.
func pickIORows(only []string) (rows []bench.IORow, err error) {
	all := bench.IORows()
	if len(only) == 0 {
		return all, nil
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	for _, o := range only {
		i := slices.Index(names, o)
		if i < 0 {
			return nil, fmt.Errorf("--only %q: there is no such row%s", o, hint(o, names))
		}
		rows = append(rows, all[i])
	}
	return rows, nil
}

// pickRows returns the rows of the given names, all without names.
func pickRows(f *benchFlags) ([]bench.Row, error) {
	all, only := bench.Rows(), f.only
	if f.growth {
		all = bench.GrowthRows()
	}
	if len(only) == 0 {
		return all, nil
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	wanted := map[string]bool{}
	for _, o := range only {
		found := false
		for _, n := range names {
			prefix := strings.TrimSuffix(o, "*")
			if n == o || (prefix != o || strings.HasSuffix(o, "-")) && strings.HasPrefix(n, prefix) {
				wanted[n], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("--only %q: there is no such row%s", o, hint(o, names))
		}
	}
	return slices.DeleteFunc(all, func(r bench.Row) bool { return !wanted[r.Name] }), nil
}

type rowData struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

func rowList(rows []bench.Row) []rowData {
	list := []rowData{}
	for _, r := range rows {
		list = append(list, rowData{r.Name, r.Title})
	}
	return list
}

func drawRows(w io.Writer, rows []bench.Row) {
	t := newTable("ROW", "PIPELINE")
	for _, r := range rows {
		t.row(r.Name, r.Title)
	}
	t.write(w, "")
}

func (f *benchFlags) check() error {
	switch {
	case f.seconds < 0.1 || f.seconds > 600:
		return fmt.Errorf("--seconds %v: must be 0.1 to 600", f.seconds)
	case f.warmup < 0 || f.warmup > 600:
		return fmt.Errorf("--warmup %v: must be 0 to 600", f.warmup)
	case f.repeat < 1 || f.repeat > 1000:
		return fmt.Errorf("--repeat %d: must be 1 to 1000", f.repeat)
	case len(f.cores) != 2:
		return fmt.Errorf("--cores %v: must be two core numbers", f.cores)
	}
	return nil
}

// benchReport is what a measurement leaves.
type benchReport interface {
	Markdown(w io.Writer)
	Failed() bool
}

// measure runs a measurement and writes what it found in all forms asked for.
func (a *app) measure(ctx context.Context, f *benchFlags, rows []bench.Row, run func(context.Context, bench.Options) (benchReport, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	if len(f.targets) == 0 {
		f.targets = []string{a.address}
	}
	o := bench.Options{Rows: rows, Cores: [2]int(f.cores), Repeat: f.repeat,
		Length: seconds(f.seconds), Warmup: seconds(f.warmup), Progress: a.Err}
	for _, t := range f.targets {
		c, err := a.dialAt(t, max(a.timeout, benchTimeout))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }() // nothing is lost with the connection
		o.Targets = append(o.Targets, c)
	}
	report, err := run(ctx, o)
	if err != nil {
		return err
	}
	if err := a.emit(report, report.Markdown); err != nil {
		return err
	}
	if err := writeReports(f, report); err != nil {
		return err
	}
	if report.Failed() {
		return statusError(1)
	}
	return nil
}

// benchTimeout is how long a call of the suite may take at least: large
// tables are slow to build in some daemons.
const benchTimeout = 2 * time.Minute

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func writeReports(f *benchFlags, r benchReport) error {
	if f.markdown != "" {
		if err := writeFile(f.markdown, func(w io.Writer) error { r.Markdown(w); return nil }); err != nil {
			return err
		}
	}
	if f.json != "" {
		return writeFile(f.json, func(w io.Writer) error { return writeJSON(w, r, "  ") })
	}
	return nil
}

func writeFile(name string, write func(w io.Writer) error) error {
	w, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(w)
	if closed := w.Close(); err == nil {
		err = closed
	}
	return err
}
