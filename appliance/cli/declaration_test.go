// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pipelineYAML = `apiVersion: bess.dev/v1
kind: Pipeline
metadata: {name: demo}
spec:
  workers:
    0: {core: 0}
  modules:
    fw: {class: ACL, args: {rules: [{src_ip: 172.12.0.0/16}]}}
    out: {class: Sink}
    src: {class: Source, args: {pkt_size: "${PKT_SIZE:-64}"}}
  links:
    - src -> fw -> out
`

// file writes a declaration.
func (p *peer) file(text string) string {
	p.t.Helper()
	f, err := os.CreateTemp(p.dir, "*.yaml")
	p.must(err)
	_, err = f.WriteString(text)
	p.must(err)
	p.must(f.Close())
	return f.Name()
}

// expect compares what a run left.
func (p *peer) expect(r result, code int, out, errs string) {
	p.t.Helper()
	if r.code != code || r.out != out || r.err != errs {
		p.t.Errorf("exit %d, want %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s\nwant:\n%s", r.code, code, r.out, out, r.err, errs)
	}
}

func TestApplyDiffExport(t *testing.T) {
	p := start(t)
	f := p.file(pipelineYAML)
	table := `   ACTION   OBJECT              TRAFFIC  WHAT
+  create   worker 0            none     core 0
+  create   module fw           none     class ACL
+  create   module out          none     class Sink
+  create   module src          none     class Source
+  connect  link src:0 -> 0:fw  none
+  connect  link fw:0 -> 0:out  none
`
	p.expect(p.run("diff", f), 2, table+"Plan: 6 added, 0 changed, 0 removed.\n", "")
	p.expect(p.run("apply", "--dry-run", f), 0, table+"Plan: 6 added, 0 changed, 0 removed.\n", "")
	p.expect(p.run("apply", f), 0, table+"Applied: 6 added, 0 changed, 0 removed.\n", "")
	nothing := "No changes: what runs is what is declared.\n"
	p.expect(p.run("apply", f), 0, nothing, "")
	p.expect(p.run("diff", f), 0, nothing, "")
	t.Setenv("PKT_SIZE", "128")
	p.expect(p.run("apply", f), 0, `   ACTION  OBJECT      TRAFFIC   WHAT
~  update  module src  in place  pkt_size: 64 -> 128
Applied: 0 added, 1 changed, 0 removed.
`, "")
	yaml := p.ok("export")
	if want := strings.NewReplacer("metadata: {name: demo}\n", "", `"${PKT_SIZE:-64}"`, "128").Replace(pipelineYAML); yaml != want {
		t.Errorf("export\n%s\nwant\n%s", yaml, want)
	}
	p.expect(p.runWith(t.Context(), nil, yaml, "diff", "-"), 0, nothing, "")
	var v struct {
		Spec struct {
			Modules map[string]struct{ Class string }
			Links   []string
		}
	}
	p.json(&v, "export")
	if v.Spec.Modules["fw"].Class != "ACL" || len(v.Spec.Links) != 1 {
		t.Errorf("export -o json: %+v", v)
	}
	if dot := p.ok("export", "-o", "dot"); !strings.HasPrefix(dot, "digraph pipeline {\n") || !strings.Contains(dot, "\t\"module src\" -> \"module fw\";\n") {
		t.Errorf("export -o dot:\n%s", dot)
	}
	p.expect(p.run("export", "-o", "table"), 1, "", "bessctl: --output \"table\": must be yaml, json or dot\n")
}

func TestApplyPrintsFindings(t *testing.T) {
	p := start(t)
	p.ok("apply", p.file(pipelineYAML))
	f := p.file(strings.Replace(pipelineYAML, "src -> fw -> out", "src -> fw:7 -> outt", 1))
	errs := f + `:12:14: error: link fw:7 -> 0:outt: no module "outt" is declared (did you mean "out"?)` + "\n" +
		f + ":12:14: error: link fw:7 -> 0:outt: output gate 7: fw is of class ACL, which has gate 0 only\n"
	for _, verb := range []string{"apply", "diff"} {
		r := p.run(verb, f)
		if r.code != 1 || r.out != "" {
			t.Errorf("%s: exit %d, %s", verb, r.code, r.out)
		}
		for line := range strings.Lines(errs) {
			if !strings.Contains(r.err, line) {
				t.Errorf("%s: missing %q in\n%s", verb, line, r.err)
			}
		}
		if !strings.HasSuffix(r.err, "bessctl: 2 errors, nothing has been changed\n") {
			t.Errorf("%s: %s", verb, r.err)
		}
	}
	r := p.run("apply", "-o", "json", f)
	var v planned
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != 1 || len(v.Findings) != 3 || v.Findings[0].Hint == "" && v.Findings[1].Hint == "" && v.Findings[2].Hint == "" {
		t.Errorf("exit %d, %v: %s", r.code, err, r.out)
	}
	// Syntax needs no daemon.
	f = p.file("apiVersion: bess.dev/v1\nkind: Pipeline\nspec: {modules: {a: {class: Sink}, a: {class: \"${NOT_SET}\"}}}\n")
	r = runAt(t.Context(), nil, "", "--address", "unix:"+p.dir+"/nobody", "apply", f)
	if r.code != 1 || !strings.HasPrefix(r.err, f+":3:") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// What only the daemon can refuse comes with a position too.
func TestApplyRefused(t *testing.T) {
	p := start(t)
	p.ok("apply", p.file(pipelineYAML))
	before := p.ok("export")
	f := p.file(strings.Replace(pipelineYAML, "  links:", "    extra: {class: Sink}\n  ports:\n    p: {driver: UnixSocketPort, args: {path: /nowhere/at/all}}\n  links:", 1))
	r := p.run("apply", f)
	if r.code != 1 || !strings.Contains(r.err, f+":13:") || !strings.Contains(r.err, "error: port p: ") ||
		!strings.HasSuffix(r.err, "bessctl: the daemon refused it, nothing has been changed\n") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	if after := p.ok("export"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	var v planned
	r = p.run("diff", "-o", "json", f)
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != 2 || v.Generation == 0 || len(v.Actions) != 2 {
		t.Errorf("exit %d, %v: %s", r.code, err, r.out)
	}
	r = p.run("apply", "--generation", "1", p.file(strings.Replace(pipelineYAML, "  links:", "    extra: {class: Sink}\n  links:", 1)))
	if r.code != 1 || !strings.Contains(r.err, "plan again") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

func TestValidateIsOffline(t *testing.T) {
	p := start(t)
	p.stop()
	f := p.file(pipelineYAML)
	p.expect(p.run("validate", f), 0, "Valid: 3 modules, 2 links, 0 ports; 0 warnings.\n", "")
	p.expect(p.runWith(t.Context(), nil, pipelineYAML, "validate", "-"), 0, "Valid: 3 modules, 2 links, 0 ports; 0 warnings.\n", "")
	bad := p.file(strings.NewReplacer("class: ACL", "class: ACK", "- src ->", "- src:1 ->").Replace(pipelineYAML))
	p.expect(p.run("validate", bad), 1, "", bad+`:8:17: error: module fw: class: no class "ACK" (did you mean "ACL"?)`+"\n"+
		bad+":12:7: error: link src:1 -> 0:fw: output gate 1: src is of class Source, which has gate 0 only\nbessctl: 2 errors, 0 warnings\n")
	r := p.run("validate", "-o", "json", bad)
	var v planned
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != 1 || len(v.Findings) != 2 || v.Findings[0].Position != bad+":8:17" {
		t.Errorf("exit %d, %v: %s", r.code, err, r.out)
	}
	p.expect(p.run("validate", filepath.Join(p.dir, "nothing")), 1, "", "bessctl: stat "+filepath.Join(p.dir, "nothing")+": no such file or directory\n")
	if r := p.run("validate"); r.code != 1 || r.err == "" {
		t.Errorf("without files: %+v", r)
	}
}
