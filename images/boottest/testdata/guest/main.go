// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command guest is the first process of a machine that tests bessd with a
// kernel and devices that the host does not have. It runs bessd, and starts it
// again when it ends; a test tells it on the second serial line what to do:
// each line is a command, answered by one line.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// buffers is how many packets the daemon can have, a power of two.
const buffers = "16384"

// address is what QEMU's user network expects of the interface mgmt.
const address = "10.0.2.15/24"

func main() {
	fmt.Println("guest: ended:", run())
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func run() error {
	for _, m := range []struct{ kind, to string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"}} {
		if err := unix.Mount(m.kind, m.to, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.to, err)
		}
	}
	for name, value := range map[string]string{"net/ipv6/conf/default/disable_ipv6": "1", "kernel/printk": "4"} {
		_ = os.WriteFile("/proc/sys/"+name, []byte(value), 0)
	}
	if err := load(); err != nil {
		return err
	}
	if err := rename(); err != nil {
		return err
	}
	if err := configure(); err != nil {
		return err
	}
	d := &daemon{}
	go d.supervise()
	return serve(d)
}

// load inserts all modules of the archive, in the order that the file's lines
// give.
func load() error {
	list, err := os.ReadFile("/modules/order")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(list)) {
		f, err := os.Open(filepath.Join("/modules", name))
		if err != nil {
			return err
		}
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		_ = f.Close()
	}
	return nil
}

// rename gives interfaces the names that the kernel's command line says:
// interfaces=MAC/NAME,...
func rename() error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, pair := range strings.Split(os.Getenv("interfaces"), ",") {
		mac, name, _ := strings.Cut(pair, "/")
		for _, l := range links {
			if l.Attrs().HardwareAddr.String() != mac {
				continue
			}
			if err := netlink.LinkSetName(l, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// configure brings up the interface to the host.
func configure() error {
	for _, name := range []string{"lo", "mgmt"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if name == "lo" {
			continue
		}
		a, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, a); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// daemon is bessd.
type daemon struct {
	mu  sync.Mutex
	cmd *exec.Cmd
}

func (d *daemon) supervise() {
	for ; ; time.Sleep(100 * time.Millisecond) {
		cmd := exec.Command("/bessd", "-f", "-grpc_url", "0.0.0.0:10514", "-insecure_plaintext_off_host", "-buffers", buffers, "-i", "/run/bessd.pid")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
		d.mu.Lock()
		err := cmd.Start()
		d.cmd = cmd
		d.mu.Unlock()
		if err == nil {
			err = cmd.Wait()
		}
		fmt.Println("guest: bessd has ended:", err)
	}
}

func (d *daemon) signal(s syscall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process.Signal(s)
}

// serve obeys.
func serve(d *daemon) error {
	line, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := raw(int(line.Fd())); err != nil {
		return fmt.Errorf("serial line: %w", err)
	}
	fmt.Println("guest: ready")
	for in := bufio.NewScanner(line); in.Scan(); {
		words := strings.Fields(in.Text())
		answer := "ok"
		if err := obey(d, words); err != nil {
			answer = "error: " + err.Error()
		}
		if _, err := io.WriteString(line, answer+"\n"); err != nil {
			return err
		}
	}
	return io.ErrUnexpectedEOF
}

// obey carries out a command:
//
//	kill                     bessd ends at once, as if it had failed
//	end                      bessd ends in order
//	link NAME up|down|MTU    an interface is set up
func obey(d *daemon, words []string) error {
	switch {
	case len(words) == 1 && words[0] == "kill":
		return d.signal(unix.SIGKILL)
	case len(words) == 1 && words[0] == "end":
		return d.signal(unix.SIGTERM)
	case len(words) == 3 && words[0] == "link":
		link, err := netlink.LinkByName(words[1])
		if err != nil {
			return err
		}
		switch words[2] {
		case "up":
			return netlink.LinkSetUp(link)
		case "down":
			return netlink.LinkSetDown(link)
		}
		mtu, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		return netlink.LinkSetMTU(link, mtu)
	}
	return fmt.Errorf("unknown command %q", words)
}

// raw has bytes pass as they are.
func raw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CLOCAL | unix.CREAD
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
