// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/sys/loadgen"
)

// ioBridge is a bridge of the kernel.
type ioBridge struct {
	r *ioRun
	b *loadgen.Bridge
}

func (k *ioBridge) start(context.Context) (err error) {
	if err = k.r.site.Cable(near()); err == nil {
		err = k.r.site.Return(nearby())
	}
	if err == nil {
		k.b, err = loadgen.NewBridge(near()+"b", near(), nearby(), k.r.o.Cores[0])
	}
	return err
}

func (k *ioBridge) times() map[string]time.Duration {
	thread := fmt.Sprintf("/proc/%d", k.b.Thread())
	return map[string]time.Duration{thread: runTime(thread)}
}

func (k *ioBridge) stop(context.Context) error {
	if k.b != nil {
		k.b.Close()
	}
	return nil
}

// NewIOPeer returns the row of another program: a name and a shell command that
// runs it, "name=command". {in} stands for the interface, one end of a veth
// pair, that frames arrive at, {out} for that of another pair which it is to
// send them out of, or, if there is no {out}, back the way they came; {core}
// for the core that its forwarding thread has to be bound to, {other} for the
// other one.
func NewIOPeer(text string) (IORow, error) {
	name, command, ok := strings.Cut(text, "=")
	switch {
	case !ok || name == "" || strings.TrimSpace(command) == "":
		return IORow{}, fmt.Errorf("--peer %q: must be a name, =, and a command", text)
	case !strings.Contains(command, "{in}"):
		return IORow{}, fmt.Errorf("--peer %q: the command does not say where {in} goes, the interface that frames arrive at", text)
	}
	return IORow{Name: name, Title: name, subject: func(r *ioRun) ioSubject { return &ioPeer{r: r, command: command} }}, nil
}

// ioPeer is another program.
type ioPeer struct {
	r       *ioRun
	command string
	proc    *exec.Cmd
	input   io.Closer
	output  bytes.Buffer
	over    chan struct{} // closed when it has ended
}

// How long a peer may take to forward its first frame, and to end.
const (
	peerStart = 30 * time.Second
	peerEnd   = 3 * time.Second
)

func (p *ioPeer) start(ctx context.Context) error {
	if err := p.r.site.Cable(near()); err != nil {
		return err
	}
	if strings.Contains(p.command, "{out}") {
		if err := p.r.site.Return(nearby()); err != nil {
			return err
		}
	}
	cores := p.r.o.Cores
	p.proc = exec.Command("/bin/sh", "-c", strings.NewReplacer("{in}", near(), "{out}", nearby(),
		"{core}", strconv.Itoa(cores[0]), "{other}", strconv.Itoa(cores[1])).Replace(p.command))
	p.proc.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.proc.Stdout, p.proc.Stderr = &p.output, &p.output
	p.proc.WaitDelay = peerEnd
	input, err := p.proc.StdinPipe() // a program that reads commands is not to find the end
	if err != nil {
		return err
	}
	p.input = input
	if err := p.proc.Start(); err != nil {
		return err
	}
	over := make(chan struct{})
	p.over = over
	go func() {
		_ = p.proc.Wait() // its state tells how it ended
		close(over)
	}()
	return p.ready(ctx)
}

// ready waits until a frame comes through.
func (p *ioPeer) ready(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < peerStart; {
		took, _, err := p.r.site.Probe(ctx, 1, 0, p.r.o.Cores[1])
		if err != nil || len(took) > 0 {
			return err
		}
		select {
		case <-p.over:
			return fmt.Errorf("the program has ended (%s):\n%s", p.proc.ProcessState, p.said())
		default:
		}
	}
	err := p.stop(ctx) // nothing writes to output any more then
	return errors.Join(fmt.Errorf("no frame came through in %v:\n%s", peerStart, p.said()), err)
}

// said returns the end of what the program wrote.
func (p *ioPeer) said() string {
	lines := strings.Split(strings.TrimSpace(p.output.String()), "\n")
	return strings.Join(lines[max(len(lines)-10, 0):], "\n")
}

// times returns how long those threads have run that are bound to the core, of
// all processes of the program.
func (p *ioPeer) times() map[string]time.Duration {
	all := map[string]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, f := range stats {
		text, err := os.ReadFile(f)
		// pid (name) state parent group; the name may contain anything
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if err != nil || at(fields, 2) != strconv.Itoa(p.proc.Process.Pid) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil {
			continue
		}
		for t, d := range threadTimes(pid, p.r.o.Cores[0]) {
			all[t] = d
		}
	}
	return all
}

// stop asks the program to end, and makes it if it does not.
func (p *ioPeer) stop(context.Context) error {
	if p.over == nil {
		return nil
	}
	over := p.over
	p.over = nil
	group := -p.proc.Process.Pid
	_ = p.input.Close()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} { // the latter to what is left, or nothing
		_ = syscall.Kill(group, signal)
		select {
		case <-over:
		case <-time.After(peerEnd):
		}
	}
	return nil
}
