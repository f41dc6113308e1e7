// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/bench"
)

func TestBench(t *testing.T) {
	p := start(t)
	md := filepath.Join(p.dir, "t.md")
	var report bench.Report
	r := p.run("bench", "--only", "rewrite", "--seconds", "0.1", "--warmup", "0.05", "--repeat", "1", "--markdown", md, "-o", "json")
	if r.code != 0 || !strings.Contains(r.err, "rewrite") {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	p.must(json.Unmarshal([]byte(r.out), &report))
	if len(report.Rows) != 1 || len(report.Rows[0].Results) != 1 || report.Rows[0].Results[0].Mpps.Median <= 0 {
		t.Errorf("%s", r.out)
	}
	if text, err := os.ReadFile(md); err != nil || !strings.Contains(string(text), "| `rewrite` |") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestBenchList(t *testing.T) {
	out := runAt(t.Context(), nil, "", "bench", "--list", "--only", "acl-,nat-*,empty").out
	if n := strings.Count(out, "\n"); n != 9 { // the head and 1 + 4 + 3 rows
		t.Errorf("%d lines:\n%s", n, out)
	}
}

func TestBenchFlags(t *testing.T) {
	for want, args := range map[string][]string{
		`--only "rewriet": there is no such row (did you mean "rewrite"?)`: {"--only", "rewriet"},
		"--seconds 0: must be 0.1 to 600":                                  {"--seconds", "0"},
		"--repeat 0: must be 1 to 1000":                                    {"--repeat", "0"},
		"--cores [1]: must be two core numbers":                            {"--cores", "1"},
		"--warmup -1: must be 0 to 600":                                    {"--warmup", "-1"},
	} {
		if r := runAt(t.Context(), nil, "", append([]string{"bench"}, args...)...); r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%v: exit %d, %q; want %q", args, r.code, r.err, want)
		}
	}
}
