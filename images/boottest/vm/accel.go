// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// canaryTime is how long the firmware may take to say its first word under
// KVM.
const canaryTime = 20 * time.Second

// accelerator returns QEMU's arguments for the fastest way that works here.
// That KVM works must be tried: there are hosts with /dev/kvm where machines
// abort or hang.
var accelerator = sync.OnceValue(func() []string {
	if kvmWorks() {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	return []string{"-accel", "tcg,thread=multi", "-cpu", "max"}
})

// Accelerated reports whether machines run on the processor itself, or are
// emulated.
func Accelerated() bool { return accelerator()[1] == "kvm" }

// kvmWorks starts a machine without disk and waits for what its BIOS writes
// to the debug port.
func kvmWorks() bool {
	ctx, cancel := context.WithTimeout(context.Background(), canaryTime)
	defer cancel()
	var out output
	cmd := exec.CommandContext(ctx, Program, "-accel", "kvm", "-cpu", "host", "-nodefaults", "-no-user-config", "-display", "none",
		"-chardev", "stdio,id=debug", "-device", "isa-debugcon,iobase=0x402,chardev=debug")
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	if cmd.Start() != nil {
		return false
	}
	over := make(chan struct{})
	go func() { _ = cmd.Wait(); close(over) }()
	defer func() { cancel(); <-over }()
	for {
		select {
		case <-over:
			return false
		case <-time.After(50 * time.Millisecond):
		}
		if strings.Contains(out.String(), "SeaBIOS") {
			return true
		}
	}
}
