// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/access"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/server"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
	"github.com/bessform/terraform-provider-bess/appliance/system"
)

// Config is what a bessd is made of.
type Config struct {
	// Engine lists the classes, drivers and hooks.
	Engine engine.Options
	// Version is what GetVersion answers.
	Version string
}

// catalog returns what pipelines can be made of.
func (c *Config) catalog() declare.Catalog {
	return declare.Catalog{Classes: c.Engine.Classes, Drivers: c.Engine.Drivers}
}

// graceful is how long calls under way may take when the daemon ends.
const graceful = 2 * time.Second

// gcPercent lets the heap of the control side grow to five times what is in
// use before a collection: the heap is small, and collections cost workers
// time.
const gcPercent = 400

// Main runs bessd and returns its exit status.
func Main(cfg Config, args []string, stdout, stderr io.Writer) int {
	f, err := ParseFlags(args, stderr)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "bessd: %v\n", err)
		return 1
	}
	switch {
	case f.ShowVersion:
		_, _ = fmt.Fprintln(stdout, "bessd", cfg.Version)
		return 0
	case f.ShowSizes:
		printSizes(stdout)
		return 0
	case !f.SkipRootCheck && os.Geteuid() != 0:
		_, _ = fmt.Fprintln(stderr, "bessd: must be run as root; with -skip_root_check it runs without, but ports on network interfaces need CAP_NET_RAW and CAP_NET_ADMIN")
		return 1
	}
	if !f.Foreground && os.Getenv(childEnv) == "" {
		return background(args, stdout, stderr)
	}
	log, closeLog, err := openLog(f, stderr)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "bessd: %v\n", err)
		return 1
	}
	defer closeLog()
	ring := system.NewRing()
	log = slog.New(ring.Handler(log.Handler()))
	if err := run(cfg, f, ring, log); err != nil {
		log.Error("bessd ends", "error", err)
		return 1
	}
	return 0
}

// run serves until a signal or a client ends the daemon.
func run(cfg Config, f *Flags, ring *system.Ring, log *slog.Logger) error {
	syscall.Umask(0o022)
	debug.SetGCPercent(gcPercent)
	raiseFileLimit(log)
	pid, err := openPidFile(f.PidFile, f.Kill)
	if err != nil {
		return err
	}
	defer pid.remove()
	if err := pid.write(os.Getpid()); err != nil {
		return fmt.Errorf("pid file %s: %w", f.PidFile, err)
	}
	tellRights(log)
	cleanUp(f.StateDir, log)
	netinfo.SetNumbered(f.Ports)
	guard, err := access.Open(f.access(log))
	if err != nil {
		return err
	}
	defer guard.Close()
	ls, err := openListeners(f, guard, log)
	if err != nil {
		return err
	}
	defer closeAll(ls)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	fillRing(ctx, ring, f, log)
	for _, why := range f.Ignored {
		log.Info("flag ignored", "flag", why)
	}
	cfg.Engine.Buffers, cfg.Engine.DefaultCore, cfg.Engine.Log = f.Buffers, f.Core, log
	e, err := engine.New(cfg.Engine)
	if err != nil {
		return err
	}
	defer e.Close()
	a, err := newAppliance(cfg, f, e, ring, log)
	if err != nil {
		return err
	}
	defer a.close() // before the engine
	g := grpc.NewServer(append(serverOptions(f, log), guard.ServerOptions()...)...)
	h := server.New(e, cfg.Version, sync.OnceFunc(stop)).Register(g)
	a.register(g, h)
	guard.Register(g, h, func(problem error) { a.conditions.Set(conditionCertificates, problem) })
	served := make(chan error, len(ls))
	for _, l := range ls {
		go func() { served <- g.Serve(l) }()
	}
	log.Info("serving", "version", cfg.Version, "address", f.URL, "tls_address", f.TLS.Listen, "pid", os.Getpid(), "buffers", f.Buffers)
	if err := guard.Announce(f.TLS.Listen); err != nil {
		return err
	}
	tellParent()
	n := newNotifier(log)
	a.watch(n)
	a.watchPorts()
	n.tell("READY=1", "STATUS=serving at "+f.URL)
	select {
	case err := <-served:
		a.end()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("shutting down")
	n.tell("STOPPING=1", "STATUS=shutting down")
	h.Shutdown()
	a.end()
	finish(g)
	return nil
}

// tellRights says what the daemon is not allowed to do, and what will not work
// therefore. What it is needed for may never be asked for, so it is no error.
func tellRights(log *slog.Logger) {
	for _, r := range hostif.MissingRights() {
		log.Warn("a capability is missing", "capability", r.Name, "without_it", r.Without)
	}
}

// cleanUp undoes what daemons that were killed left on network interfaces.
func cleanUp(dir string, log *slog.Logger) {
	hostif.SetDir(dir)
	found, err := hostif.Recover(hostif.Dir())
	if err != nil {
		log.Warn("what a daemon before this one left on interfaces is not known", "error", err)
	}
	for _, what := range found.Undone {
		log.Info("undone what a daemon that was killed left on an interface", "interface", what)
	}
	for _, left := range found.Left {
		log.Warn("what a daemon that was killed left on an interface stays", "interface", left.What, "error", left.Why)
	}
}

// fillRing adds what others have to say to the log that clients can read.
func fillRing(ctx context.Context, ring *system.Ring, f *Flags, log *slog.Logger) {
	if f.LogHistory != "" {
		if err := ring.FollowHistory(ctx, f.LogHistory); err != nil {
			log.Warn("-log_history", "error", err)
		}
	}
	if err := ring.FollowKernel(ctx); err != nil {
		log.Debug("the messages of the kernel are not part of the log", "error", err)
	}
}

// finish lets calls under way end, but not for ever.
func finish(g *grpc.Server) {
	done := make(chan struct{})
	go func() { g.GracefulStop(); close(done) }()
	select {
	case <-done:
	case <-time.After(graceful):
		g.Stop()
	}
}

// raiseFileLimit asks for many file descriptors; it is no error if refused.
func raiseFileLimit(log *slog.Logger) {
	for n := uint64(65536); n >= 1024; n /= 2 {
		lim := syscall.Rlimit{Cur: n, Max: max(n*4, n)}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err == nil {
			return
		}
		var now syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now) == nil && now.Max >= n {
			now.Cur = n
			if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &now) == nil {
				return
			}
		}
	}
	log.Warn("the limit of open files could not be raised")
}
