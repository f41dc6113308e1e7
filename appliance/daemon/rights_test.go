// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/port/all"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// The page about rights says what the daemon knows.
func TestPageAboutRights(t *testing.T) {
	b, err := os.ReadFile("../../docs/rights.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	rows := 0
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "| `CAP_") {
			rows++
		}
	}
	if rows != len(hostif.Rights()) {
		t.Errorf("%d rows, want %d", rows, len(hostif.Rights()))
	}
	for _, r := range hostif.Rights() {
		if row := fmt.Sprintf("| `%s` | %s |\n", r.Name, r.Without); !strings.Contains(page, row) {
			t.Errorf("docs/rights.md must have the row\n%s", row)
		}
	}
	for _, d := range all.Drivers() {
		needs := slices.ContainsFunc(hostif.Rights(), func(r hostif.Right) bool { return slices.Contains(r.Drivers, d.Name) })
		if free := strings.Contains(page, "| none | ") && strings.Contains(noneRow(page), d.Name); !needs && d.Name != "PMDPort" && !free {
			t.Errorf("the page does not say what %s needs", d.Name)
		} else if needs && free {
			t.Errorf("the page says that %s needs nothing", d.Name)
		}
	}
}

// noneRow is the row of drivers that need nothing.
func noneRow(page string) string {
	_, rest, _ := strings.Cut(page, "| none | ")
	row, _, _ := strings.Cut(rest, "\n")
	return row
}

// with starts a daemon that has none but some capabilities.
func (h *host) with(t *testing.T, capabilities ...string) *proc {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatal(err) // it is part of util-linux, which every system has
	}
	set := "-all"
	for _, c := range capabilities {
		set += ",+" + strings.ToLower(strings.TrimPrefix(c, "CAP_"))
	}
	p := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	p.url = "unix:" + filepath.Join(p.dir, "s")
	p.start = func(cmd *exec.Cmd) error {
		cmd.Path = setpriv
		cmd.Args = append([]string{"setpriv", "--inh-caps", "-all", "--bounding-set", set, binary}, cmd.Args[1:]...)
		return h.ns.Run(cmd.Start)
	}
	p.run("-grpc_url", p.url, "-i", p.pidFile(), "-state_dir", h.state)
	p.dial()
	return p
}

// ports are one of each driver that needs something.
func (h *host) ports() map[string]string {
	return map[string]string{
		"AFPacketPort": "{driver: AFPacketPort, args: {interface: near}}",
		"AFXDPPort":    "{driver: AFXDPPort, args: {ifname: near}}",
		"PCAPPort":     "{driver: PCAPPort, args: {dev: near}}",
		"TAPPort":      "{driver: TAPPort, args: {ifname: tap0}}",
		"VPort":        "{driver: VPort, args: {ifname: v0}}",
		"VethPort":     "{driver: VethPort, args: {ifname: v1}}",
	}
}

// A daemon says at start, in a line each, what it lacks and what will not work,
// and serves. What does not work fails with the name of the capability.
func TestDaemonWithoutCapabilities(t *testing.T) {
	h := newHost(t)
	every := hostif.Rights()
	lackings := append([]hostif.Right{{}}, every...)
	if testing.Short() {
		lackings = lackings[:2]
	}
	for _, lacks := range lackings {
		var has []string
		for _, r := range every {
			// CAP_SYS_ADMIN includes CAP_BPF, and for XDP CAP_NET_ADMIN.
			if r.Name != lacks.Name && (r.Name != "CAP_SYS_ADMIN" || lacks.Name == "" || lacks.Drivers == nil) {
				has = append(has, r.Name)
			}
		}
		p := h.with(t, has...)
		for _, r := range every {
			said := strings.Contains(p.log.String(), fmt.Sprintf(`msg="a capability is missing" capability=%s without_it="%s"`, r.Name, r.Without))
			if want := !slices.Contains(has, r.Name) && (r.Name != "CAP_IPC_LOCK" || !hostif.LocksAll()); said != want {
				t.Errorf("without %q: a line about %s: %t, want %t\n%s", lacks.Name, r.Name, said, want, p.log)
			}
		}
		for driver, spec := range h.ports() {
			if driver == "AFXDPPort" && lacks.Name == "CAP_IPC_LOCK" {
				continue // depends on the limit
			}
			out, err := h.apply(p, "  ports: {p: "+spec+"}\n")
			switch fails := slices.Contains(lacks.Drivers, driver); {
			case !fails && err != nil:
				t.Errorf("without %q: %s: %v\n%s", lacks.Name, driver, err, out)
			case fails && (err == nil || !strings.Contains(out, lacks.Name)):
				t.Errorf("without %s: %s: %v\n%s", lacks.Name, driver, err, out)
			}
			if out, err := h.bessctl(p, "daemon", "reset", "--yes"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		if lacks.Name == "CAP_SYS_ADMIN" {
			out, err := h.apply(p, fmt.Sprintf("  ports: {p: {driver: TAPPort, args: {ifname: tap0, netns: /proc/%d/ns/net}}}\n", os.Getpid()))
			if err == nil || !strings.Contains(out, lacks.Name) {
				t.Errorf("another namespace without %s: %v\n%s", lacks.Name, err, out)
			}
		}
		_ = p.cmd.Process.Kill()
		p.wait()
	}
}
