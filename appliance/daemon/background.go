// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/access"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// childEnv marks the background process; its descriptor 3 tells the parent
// that the daemon serves.
const childEnv = "BESSD_BACKGROUND"

// background starts the daemon in a session of its own and waits until it
// serves.
func background(args []string, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		_, _ = fmt.Fprintf(stderr, "bessd: %v\n", err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fail(err)
	}
	_ = w.Close()
	ok, _ := io.ReadAll(r)
	if len(ok) != 8 {
		return fail(fmt.Errorf("the daemon did not start; the reason is in %s of the log directory", logName))
	}
	_, _ = fmt.Fprintf(stdout, "Done (PID=%d)\n", cmd.Process.Pid)
	return 0
}

// tellParent reports success to the process that started the daemon in the
// background, and lets go of its terminal.
func tellParent() {
	if os.Getenv(childEnv) == "" {
		return
	}
	pipe := os.NewFile(3, "parent")
	_, _ = pipe.Write([]byte("serving\n"))
	_ = pipe.Close()
}

// logName is the log file in the log directory.
const logName = "bessd.INFO"

// openLog returns the logger: standard error in the foreground, else a file.
func openLog(f *Flags, stderr io.Writer) (*slog.Logger, func(), error) {
	level := []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError}[min(max(f.MinLogLevel, 0), 2)]
	if f.Verbose > 0 {
		level = slog.LevelDebug
	}
	w, done := stderr, func() {}
	if !f.Foreground {
		file, err := os.OpenFile(filepath.Join(f.LogDir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("log file: %w (choose a directory with -log_dir)", err)
		}
		w, done = file, func() { _ = file.Close() }
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})), done, nil
}

// serverOptions logs every request with -v 1.
func serverOptions(f *Flags, log *slog.Logger) []grpc.ServerOption {
	opts := []grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20), grpc.MaxSendMsgSize(64 << 20)}
	if f.Verbose > 0 {
		opts = append(opts, grpc.UnaryInterceptor(
			func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				log.Debug("request", "method", info.FullMethod, "message", access.Loggable(req))
				return next(ctx, req)
			}))
	}
	return opts
}

// printSizes answers -t.
func printSizes(w io.Writer) {
	for _, s := range []struct {
		name string
		size uintptr
	}{
		{"packet buffer", packet.Stride},
		{"packet metadata", packet.MetadataSize},
		{"packet.Batch", reflect.TypeFor[packet.Batch]().Size()},
		{"module.Context", reflect.TypeFor[module.Context]().Size()},
		{"module.Node", reflect.TypeFor[module.Node]().Size()},
	} {
		_, _ = fmt.Fprintf(w, "%-18s %6d bytes\n", s.name, s.size)
	}
}
