// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vm starts virtual machines for tests, with QEMU, without root and
// without touching the host's network: the management interface is QEMU's own
// user network, closed but for one forwarded port, and data interfaces are
// unix sockets.
package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Patience is how long a machine may take to come up. Emulated by a busy host
// it is slow.
const Patience = 300 * time.Second

// Program is QEMU.
const Program = "qemu-system-x86_64"

// APIPort is where the appliance listens.
const APIPort = 10514

// MemoryMiB and CPUs are those of a machine that has no others.
const (
	MemoryMiB = 1024
	CPUs      = 2
)

// Config is a machine.
type Config struct {
	// Dir takes sockets and the console's log. It must exist, and its path
	// should be short: paths of sockets have at most 107 bytes.
	Dir string
	// Kernel, Initrd and CommandLine start a kernel directly. Without Kernel
	// the first disk is started by the firmware.
	Kernel, Initrd, CommandLine string
	// Firmware is UEFI code (see OVMF); "" takes QEMU's BIOS.
	Firmware string
	Disks    []Disk
	NICs     []NIC
	// MemoryMiB and CPUs are the constants of these names if 0.
	MemoryMiB, CPUs int
	// UUID is that of the machine; "" makes QEMU give none.
	UUID string
	// Extra are further arguments of QEMU.
	Extra []string
}

// Disk is a virtio disk.
type Disk struct {
	File   string
	Format string // raw or qcow2
	// Keep lets the machine write to File; otherwise what it writes is lost
	// when it ends.
	Keep bool
}

// NIC is an interface. One with neither Vhost nor Local is a management
// interface: on a network of QEMU's with a DHCP server, and with a forwarded
// port.
type NIC struct {
	// MAC may be empty.
	MAC string
	// PCI is the slot that it is plugged into, in hexadecimal digits, 1 to 1e;
	// "" takes a free one.
	PCI string
	// Net is the network of a management interface, 10.0.N.0/24 with the
	// gateway 10.0.N.2; "" is 10.0.2.0/24.
	Net string
	// Guest is the address that the port is forwarded to; "" is the one that
	// the DHCP server gives first, 10.0.N.15.
	Guest string
	// Vhost is the path of the socket of a vhost-user back end, which then has
	// the machine's memory; QEMU connects to it.
	Vhost string
	// Local and Remote are paths of unix datagram sockets: QEMU binds Local
	// and sends to Remote, one datagram for one frame. Bind Remote first.
	Local, Remote string
	// Model is QEMU's name of the device; "" is virtio-net-pci.
	Model string
	// Properties are further ones of the device: name=value, separated by
	// commas.
	Properties string
}

// VM is a running machine. Safe for concurrent use.
type VM struct {
	// API is host:port of the forwarded port, the last one if there are more
	// management interfaces; "" without one. QEMU accepts connections before
	// the machine listens: wait for answers, not for connections.
	API string
	// APIs are those of all management interfaces, in the order of Config.NICs.
	APIs []string

	cmd     *exec.Cmd
	qmp     string
	console output
	over    chan struct{} // closed when QEMU has ended
	err     error         // of QEMU, readable when over is closed
}

// Start starts a machine. It ends with ctx at the latest.
func Start(ctx context.Context, c Config) (*VM, error) {
	v := &VM{over: make(chan struct{}), qmp: filepath.Join(c.Dir, "qmp")}
	args, err := c.arguments(v)
	if err != nil {
		return nil, err
	}
	v.cmd = exec.CommandContext(ctx, Program, args...)
	v.cmd.Stdout, v.cmd.Stderr = &v.console, &v.console
	v.cmd.WaitDelay = 5 * time.Second
	// QEMU ends with this process, whatever becomes of it.
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel looks at the thread that started it
		defer runtime.UnlockOSThread()
		err := v.cmd.Start()
		started <- err
		if err == nil {
			v.err = v.cmd.Wait()
			close(v.over)
		}
	}()
	return v, <-started
}

// arguments returns those of QEMU, and chooses the forwarded port.
func (c Config) arguments(v *VM) ([]string, error) {
	memory, cpus := c.MemoryMiB, c.CPUs
	if memory == 0 {
		memory = MemoryMiB
	}
	if cpus == 0 {
		cpus = CPUs
	}
	args := append([]string{"-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-m", strconv.Itoa(memory),
		"-smp", strconv.Itoa(cpus), "-serial", "stdio", "-qmp", "unix:" + v.qmp + ",server=on,wait=off",
		"-device", "virtio-rng-pci"}, accelerator()...)
	if c.UUID != "" {
		args = append(args, "-uuid", c.UUID)
	}
	if c.Firmware != "" {
		args = append(args, "-drive", "if=pflash,format=raw,readonly=on,file="+c.Firmware)
	}
	if c.Kernel != "" {
		args = append(args, "-kernel", c.Kernel, "-initrd", c.Initrd, "-append", c.CommandLine)
	}
	for i, d := range c.Disks {
		snapshot := "on"
		if d.Keep {
			snapshot = "off"
		}
		args = append(args, "-drive", fmt.Sprintf("if=none,id=d%d,format=%s,snapshot=%s,file=%s", i, d.Format, snapshot, d.File),
			"-device", fmt.Sprintf("virtio-blk-pci,drive=d%d,bootindex=%d", i, i+1))
	}
	shared := false
	for i, n := range c.NICs {
		switch {
		case n.Vhost != "":
			args = append(args, "-chardev", fmt.Sprintf("socket,id=c%d,path=%s,reconnect=1", i, n.Vhost), "-netdev", fmt.Sprintf("vhost-user,id=n%d,chardev=c%d", i, i))
			shared = true
		case n.Local != "":
			args = append(args, "-netdev", fmt.Sprintf("dgram,id=n%d,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s", i, n.Local, n.Remote))
		default:
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			v.API = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
			v.APIs = append(v.APIs, v.API)
			user := fmt.Sprintf("user,id=n%d,restrict=on,hostfwd=tcp:%s-%s:%d", i, v.API, n.Guest, APIPort)
			if n.Net != "" {
				user += ",net=" + n.Net
			}
			args = append(args, "-netdev", user)
		}
		model := n.Model
		if model == "" {
			model = "virtio-net-pci"
		}
		device := fmt.Sprintf("%s,netdev=n%d", model, i)
		if n.MAC != "" {
			device += ",mac=" + n.MAC
		}
		if n.PCI != "" {
			device += ",addr=0x" + n.PCI
		}
		if n.Vhost != "" {
			// With message-signalled interrupts QEMU 7.2 crashes in an emulated
			// machine when the driver of such a card starts.
			device += ",vectors=0"
		}
		if n.Properties != "" {
			device += "," + n.Properties
		}
		args = append(args, "-device", device)
	}
	if shared {
		args = append(args, "-object", fmt.Sprintf("memory-backend-memfd,id=mem,size=%dM,share=on", memory), "-machine", "memory-backend=mem")
	}
	return append(args, c.Extra...), nil
}

// freePort returns a port of 127.0.0.1 that nobody listens on right now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// OVMF returns the UEFI firmware of Debian's package ovmf, "" if it is not
// installed.
func OVMF() string {
	for _, f := range []string{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE_4M.fd"} {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return ""
}

// Console returns what the machine has printed so far.
func (v *VM) Console() string { return v.console.String() }

// WaitConsole waits until the console shows text that matches, and returns
// it.
func (v *VM) WaitConsole(ctx context.Context, match *regexp.Regexp) (string, error) {
	for {
		if m := match.FindString(v.Console()); m != "" {
			return m, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the console does not show %s: %w", match, ctx.Err())
		case <-v.over:
			if m := match.FindString(v.Console()); m != "" {
				return m, nil
			}
			return "", fmt.Errorf("the machine ended before the console showed %s", match)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// WaitEnd waits until the machine has ended by itself.
func (v *VM) WaitEnd(ctx context.Context) error {
	select {
	case <-v.over:
		return v.err
	case <-ctx.Done():
		return fmt.Errorf("the machine does not end: %w", ctx.Err())
	}
}

// Kill ends the machine as if the power failed, and waits for that.
func (v *VM) Kill() {
	_ = v.cmd.Process.Kill()
	<-v.over
}

// PowerButton presses the machine's power button.
func (v *VM) PowerButton() error { return v.command("system_powerdown") }

// Reset resets the machine.
func (v *VM) Reset() error { return v.command("system_reset") }

// command sends one command of QEMU's machine protocol.
func (v *VM) command(name string) error {
	c, err := net.DialTimeout("unix", v.qmp, 5*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	for _, cmd := range []string{"qmp_capabilities", name} {
		if _, err := fmt.Fprintf(c, "{\"execute\":%q}\n", cmd); err != nil {
			return err
		}
	}
	var seen []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		seen = append(seen, buf[:n]...)
		switch {
		case bytes.Contains(seen, []byte(`"error"`)):
			return fmt.Errorf("%s: %s", name, seen)
		case bytes.Count(seen, []byte(`"return"`)) == 2:
			return nil
		case err != nil:
			return errors.Join(err, fmt.Errorf("%s: %s", name, seen))
		}
	}
}

// output collects what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
