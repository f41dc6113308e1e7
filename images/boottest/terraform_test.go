// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// tools is a folder with a configuration, and the environment of terraform.
type tools struct {
	t   *testing.T
	dir string
	env []string
}

// newTools builds the provider and puts it where terraform init finds it
// without a registry.
func newTools(t *testing.T) *tools {
	t.Helper()
	need.Programs(t, "terraform")
	w := &tools{t: t, dir: t.TempDir()}
	mirror := filepath.Join(w.dir, "mirror")
	plugin := filepath.Join(mirror, "registry.terraform.io/bessform/bess/0.0.1", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-bess_v0.0.1")
	cmd := exec.Command("go", "build", "-o", plugin, "./provider")
	cmd.Dir = repository(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rc := w.file("terraformrc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_CLI_ARGS=-no-color")
	return w
}

func (w *tools) file(name, text string) string {
	w.t.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// run runs terraform, which must end with a status, and show a text.
func (w *tools) run(status int, text string, args ...string) {
	w.t.Helper()
	cmd := exec.Command("terraform", args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != status || !strings.Contains(string(out), text) {
		w.t.Fatalf("terraform %v: %v, want %d and %q\n%s", args, cmd.ProcessState, status, text, out)
	}
}

const configuration = `terraform {
  required_providers {
    bess = { source = "bessform/bess" }
  }
}
provider "bess" {
  address     = %q
  ca          = %q
  cert        = %q
  key         = %q
  server_name = %q
}
resource "bess_module" "src" {
  name  = "tfSource"
  class = "Source"
  args  = { pkt_size = 64 }
}
resource "bess_module" "out" {
  name  = "tfSink"
  class = "Sink"
}
resource "bess_link" "l" {
  from = bess_module.src.name
  to   = bess_module.out.name
}
`

// terraform manages a part of the box: what it does not manage stays.
func (b *box) terraform() {
	w := newTools(b.t)
	as := b.files(b.operator, pki.Client{Name: "terraform", Role: pki.Operator})
	w.file("main.tf", fmt.Sprintf(configuration, b.m.API, w.file("ca.pem", as.CA), w.file("cert.pem", as.Cert), w.file("key.pem", as.Key), serverName))
	before := modules(b.ctx, b.t, b.conn)
	plan := func(status int, text string) { w.run(status, text, "plan", "-detailed-exitcode") }
	w.run(0, "Installed bessform/bess v0.0.1", "init")
	w.run(0, "Apply complete! Resources: 3 added", "apply", "-auto-approve")
	plan(0, "No changes")
	c := api.NewBESSControlClient(b.conn)
	if got := b.packetSize(c); got != 64 {
		b.t.Fatalf("tfSource makes packets of %d bytes", got)
	}

	// Somebody takes a module away: it comes back.
	r, err := c.DestroyModule(b.ctx, &api.DestroyModuleRequest{Name: "tfSource"})
	if err != nil || r.GetError() != nil {
		b.t.Fatal(r, err)
	}
	plan(2, "bess_module.src will be created")
	w.run(0, "Apply complete!", "apply", "-auto-approve")
	plan(0, "No changes")
	if got := b.packetSize(c); got != 64 {
		b.t.Fatalf("tfSource makes packets of %d bytes", got)
	}
	w.run(0, "Destroy complete! Resources: 3 destroyed", "destroy", "-auto-approve")
	if after := modules(b.ctx, b.t, b.conn); after != before {
		b.t.Errorf("terraform left %s, before it %s ran", after, before)
	}
}

// packetSize returns what tfSource was made with; 0 if it is not linked.
func (b *box) packetSize(c api.BESSControlClient) uint64 {
	b.t.Helper()
	info, err := c.GetModuleInfo(b.ctx, &api.GetModuleInfoRequest{Name: "tfSource"})
	if err != nil || info.GetError() != nil {
		b.t.Fatal(info, err)
	}
	linked := slices.ContainsFunc(info.GetOgates(), func(g *api.GetModuleInfoResponse_OGate) bool { return g.GetName() == "tfSink" })
	r, err := c.ModuleCommand(b.ctx, &api.CommandRequest{Name: "tfSource", Cmd: "get_initial_arg"})
	if err != nil || r.GetError() != nil {
		b.t.Fatal(r, err)
	}
	var arg source.SourceArg
	if err := r.GetData().UnmarshalTo(&arg); err != nil {
		b.t.Fatal(err)
	}
	if !linked {
		return 0
	}
	return arg.GetPktSize()
}
