// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// controlSocket takes "poweroff" and "reboot", each a line, and answers "ok".
const controlSocket = runDir + "/init.sock"

// power waits for the end: a signal, the power button, a request.
type power struct{ how chan int }

func newPower() *power {
	p := &power{how: make(chan int, 1)}
	// Ctrl-Alt-Del, and the reset of a hypervisor, become SIGINT.
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGPWR)
	go func() {
		for s := range signals {
			if s == unix.SIGPWR {
				p.ask(unix.LINUX_REBOOT_CMD_POWER_OFF, "the power fails")
			} else {
				p.ask(unix.LINUX_REBOOT_CMD_RESTART, s.String())
			}
		}
	}()
	return p
}

func (p *power) ask(how int, why string) {
	verb := "power off"
	if how == unix.LINUX_REBOOT_CMD_RESTART {
		verb = "reboot"
	}
	logf(notice, "%s: %s", verb, why)
	select {
	case p.how <- how:
	default: // going down already
	}
}

func (p *power) wait() int { return <-p.how }

// listen takes what comes through devices and the socket.
func (p *power) listen() {
	devices, _ := filepath.Glob("/dev/input/event*")
	for _, d := range devices {
		go p.button(d)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: controlSocket, Net: "unix"})
	if err != nil {
		logf(severe, "%s: %v", controlSocket, err)
		return
	}
	_ = os.Chmod(controlSocket, 0o600)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				time.Sleep(time.Second)
				continue
			}
			go p.request(c)
		}
	}()
}

func (p *power) request(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReaderSize(c, 64).ReadSlice('\n')
	if err != nil {
		return
	}
	switch verb := strings.TrimSpace(string(line)); verb {
	case "poweroff":
		_, _ = fmt.Fprintln(c, "ok")
		p.ask(unix.LINUX_REBOOT_CMD_POWER_OFF, "requested")
	case "reboot":
		_, _ = fmt.Fprintln(c, "ok")
		p.ask(unix.LINUX_REBOOT_CMD_RESTART, "requested")
	default:
		_, _ = fmt.Fprintf(c, "error: %q: must be poweroff or reboot\n", verb)
	}
}

// Of struct input_event (linux/input.h).
const (
	inputEvent = 24
	evKey      = 1
	keyPower   = 116
)

// button reads an input device until the power button is pressed.
func (p *power) button(dev string) {
	f, err := os.Open(dev)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	buf := make([]byte, 64*inputEvent)
	for {
		n, err := f.Read(buf)
		if err != nil {
			return
		}
		if pressed(buf[:n]) {
			p.ask(unix.LINUX_REBOOT_CMD_POWER_OFF, "the power button")
		}
	}
}

// pressed reports whether the power button goes down in a run of events.
func pressed(events []byte) bool {
	for ; len(events) >= inputEvent; events = events[inputEvent:] {
		if binary.LittleEndian.Uint16(events[16:]) == evKey && binary.LittleEndian.Uint16(events[18:]) == keyPower &&
			binary.LittleEndian.Uint32(events[20:]) == 1 {
			return true
		}
	}
	return false
}
