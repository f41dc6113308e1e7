// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package daemon is the life of bessd: flags, single instance, listening,
// logging, signals and an orderly end (spec: daemon.md).
package daemon

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/store"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Flags are the settings of one run.
type Flags struct {
	PidFile       string
	Foreground    bool
	Kill          bool
	SkipRootCheck bool
	Core          int
	URL           string
	Bind          string
	Port          int
	Buffers       int
	Declaration   string
	Store         string
	StoreKeep     int
	LogDir        string
	LogHistory    string
	FlagFile      string
	Verbose       int
	MinLogLevel   int
	ShowSizes     bool
	ShowVersion   bool
	TLS           TLSFlags
	AuditLog      string
	StateDir      string
	Ports         []string
	// Ignored are flags that were given and mean nothing here.
	Ignored []string
}

// inert are flags of the original that are accepted and change nothing, with
// the reason that is logged.
var inert = map[string]string{
	"d":               "nothing ever read it",
	"modules":         "C++ plugins cannot be loaded; all classes are built in",
	"core_dump":       "faults in modules are caught; use GOTRACEBACK=crash for core files",
	"no_crashlog":     "there is no crash log file; faults are logged",
	"dpdk":            "there is no DPDK; packet memory uses transparent huge pages",
	"iova":            "there is no DPDK",
	"allow":           "there is no DPDK",
	"m":               "packet memory is reserved by -buffers and taken when used",
	"logtostderr":     "use -f to log to standard error",
	"alsologtostderr": "use -f to log to standard error",
	"stderrthreshold": "use -minloglevel",
}

var inertBool = map[string]bool{"d": true, "core_dump": true, "no_crashlog": true, "dpdk": true,
	"logtostderr": true, "alsologtostderr": true}

// ParseFlags reads a command line as gflags does: one or two dashes, dashes
// and underscores in names alike, -noflag for -flag=false. Usage goes to w.
func ParseFlags(args []string, w io.Writer) (*Flags, error) {
	f := &Flags{}
	fs := flag.NewFlagSet("bessd", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.StringVar(&f.PidFile, "i", "/var/run/bessd.pid", "pid `file`; its lock keeps a second daemon away")
	fs.BoolVar(&f.Foreground, "f", false, "stay in the foreground and log to standard error")
	fs.BoolVar(&f.Kill, "k", false, "end a running daemon that holds the pid file first")
	fs.BoolVar(&f.SkipRootCheck, "skip_root_check", false, "run without being root")
	fs.IntVar(&f.Core, "c", 0, "CPU `core` of the worker that is made when none exists")
	fs.StringVar(&f.URL, "grpc_url", "", "listen `address`: host:port, unix:/path or unix-abstract:name; overrides -b and -p")
	fs.StringVar(&f.Bind, "b", "127.0.0.1", "bind `address`")
	fs.IntVar(&f.Port, "p", 10514, "TCP `port`")
	fs.IntVar(&f.Buffers, "buffers", 262144, "packet buffers, a power of two")
	fs.StringVar(&f.Declaration, "declaration", "", "YAML `file` to apply at start; failing to apply it is fatal. With -store it is applied only as long as nothing is stored")
	fs.StringVar(&f.Store, "store", "", "`directory` in which declarations are kept: what was applied last comes back at the next start")
	fs.IntVar(&f.StoreKeep, "store_generations", store.DefaultKeep, "how many declarations stay in the store")
	fs.StringVar(&f.LogDir, "log_dir", "/tmp", "`directory` of the log file when not in the foreground")
	fs.StringVar(&f.LogHistory, "log_history", "", "`file` with what whoever starts the daemon has to say, for clients that read the log; new lines are added")
	fs.StringVar(&f.FlagFile, "flagfile", "", "`file` with flags, one a line; # begins a comment. Flags that come later on the command line win")
	fs.IntVar(&f.Verbose, "v", 0, "1 logs every request")
	fs.IntVar(&f.MinLogLevel, "minloglevel", 0, "0 logs everything, 1 warnings and errors, 2 errors only")
	fs.BoolVar(&f.ShowSizes, "t", false, "print the sizes of internal structures and exit")
	fs.BoolVar(&f.ShowVersion, "version", false, "print the version and exit")
	f.TLS.define(fs)
	fs.StringVar(&f.AuditLog, "audit_log", "", "`file` to which every call that changes something is appended; default: the log")
	fs.StringVar(&f.StateDir, "state_dir", "", "`directory` that says what the daemon changed on which network interface, so that the next one can undo it after a kill; default /run/bess, without being root one below the directory for temporary files")
	fs.Func("ports", "network `interfaces`, separated by commas, that port_id of a PMDPort counts from 0; default: Ethernet interfaces with hardware that the host does not use, by the address of the hardware", func(v string) error {
		f.Ports = strings.Split(v, ",")
		if slices.Contains(f.Ports, "") {
			return errors.New("must be names separated by commas")
		}
		return nil
	})
	for name, why := range inert {
		usage := "accepted for compatibility and ignored: " + why
		if inertBool[name] {
			fs.Bool(name, false, usage)
		} else {
			fs.String(name, "", usage)
		}
	}
	args, err := expandFlagFiles(args, 0)
	if err != nil {
		return nil, err
	}
	if err := fs.Parse(normalize(fs, args)); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	fs.Visit(func(g *flag.Flag) {
		if why := inert[g.Name]; why != "" {
			f.Ignored = append(f.Ignored, fmt.Sprintf("-%s: %s", g.Name, why))
		}
	})
	return f, f.check()
}

// normalize rewrites gflags spellings to those of package flag.
func normalize(fs *flag.FlagSet, args []string) []string {
	out := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" || !strings.HasPrefix(a, "-") || a == "-" {
			out = append(out, a)
			if a == "--" {
				return append(out, args[i+1:]...)
			}
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		name = strings.ReplaceAll(name, "-", "_")
		if base, ok := strings.CutPrefix(name, "no"); ok && fs.Lookup(name) == nil && isBool(fs, base) {
			name, value, hasValue = base, "false", true
		}
		if hasValue {
			out = append(out, "-"+name+"="+value)
		} else {
			out = append(out, "-"+name)
		}
	}
	return out
}

func isBool(fs *flag.FlagSet, name string) bool {
	g := fs.Lookup(name)
	if g == nil {
		return false
	}
	b, ok := g.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func (f *Flags) check() error {
	switch {
	case f.Buffers <= 0 || bits.OnesCount(uint(f.Buffers)) != 1:
		return fmt.Errorf("-buffers: %d: must be a power of two", f.Buffers)
	case f.Port < 1 || f.Port > 65535:
		return fmt.Errorf("-p: %d: must be 1..65535", f.Port)
	case f.StoreKeep < 1 || f.StoreKeep > 10000:
		return fmt.Errorf("-store_generations: %d: must be 1..10000", f.StoreKeep)
	case !sys.CoreExists(f.Core):
		return fmt.Errorf("-c: %d: there is no such CPU core", f.Core)
	}
	if f.URL == "" {
		f.URL = fmt.Sprintf("%s:%d", f.Bind, f.Port)
	}
	return f.TLS.check()
}
