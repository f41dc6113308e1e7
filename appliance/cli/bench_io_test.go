// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/bench"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

// Every kind of port is measured and everything removed. How fast they are is
// not looked at.
func TestBenchIO(t *testing.T) {
	testenv.NeedNetns(t)
	before := interfaces(t)
	p := start(t)
	md := filepath.Join(p.dir, "t.md")
	args := []string{"bench", "io", "--seconds", "0.1", "--warmup", "0.05", "--repeat", "1", "--markdown", md, "-o", "json"}
	rows := len(bench.IORows())
	if testing.Short() {
		args, rows = append(args, "--only", "afxdp,bridge"), 2
	}
	r := p.run(args...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	var report bench.IOReport
	p.must(json.Unmarshal([]byte(r.out), &report))
	if len(report.Rows) != rows {
		t.Fatalf("%d rows: %s", len(report.Rows), r.out)
	}
	for _, row := range report.Rows {
		if row.Error != "" || row.Missing != "" || row.Mpps.Median <= 0 || len(row.Notes) == 0 && row.Target != "" {
			t.Errorf("%s: %+v", row.Name, row)
			continue
		}
		latencies := map[string]*bench.Latency{"idle": row.Idle, "half load": row.HalfLoad}
		if row.Target != "" { // a worker, which sleeps
			latencies["woken"] = row.Woken
		}
		for name, l := range latencies {
			if l == nil || l.Sent == 0 || l.Lost == l.Sent || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
				t.Errorf("%s, %s: %+v", row.Name, name, l)
			}
		}
	}
	if text, err := os.ReadFile(md); err != nil || strings.Count(string(text), "\n| ") < len(report.Rows) {
		t.Errorf("%s, %v", text, err)
	}
	if after := interfaces(t); after != before {
		t.Errorf("interfaces are left: %s, were %s", after, before)
	}
	modules, err := p.client.Modules(t.Context())
	p.must(err)
	ports, err := p.client.Ports(t.Context())
	p.must(err)
	if len(modules)+len(ports) != 0 {
		t.Errorf("%d modules and %d ports are left", len(modules), len(ports))
	}
}

// interfaces returns the names of the interfaces that this process has made:
// other tests make theirs at the same time, with their process's id.
func interfaces(t *testing.T) string {
	t.Helper()
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range list {
		id, _ := strings.CutPrefix(i.Name, "bio")
		if strings.TrimRight(id, "abcdefghijklmnopqrstuvwxyz") == strconv.Itoa(os.Getpid()) {
			names = append(names, i.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestBenchIOErrors(t *testing.T) {
	if r := runAt(t.Context(), nil, "", "bench", "io", "--only", "afxpd"); r.code != 1 || !strings.Contains(r.err, `--only "afxpd": there is no such row (did you mean "afxdp"?)`) {
		t.Errorf("exit %d, %q", r.code, r.err)
	}
	for peer, want := range map[string]string{
		"relay":            `--peer "relay": must be a name, =, and a command`,
		"=relay {in}":      `must be a name`,
		"relay=relay eth0": `does not say where {in} goes`,
	} {
		if r := runAt(t.Context(), nil, "", "bench", "io", "--peer", peer); r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit %d, %q", peer, r.code, r.err)
		}
	}
	testenv.NeedRoot(t)
	p := start(t)
	// Without root it says what it needs, and does nothing.
	cmd := exec.Command("/proc/self/exe", "--address", "unix:"+p.socket, "bench", "io")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	p.must(os.Chmod(p.dir, 0o755))
	p.must(os.Chmod(p.socket, 0o777))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "needs root") {
		t.Errorf("%v: %s", err, out)
	}
}
