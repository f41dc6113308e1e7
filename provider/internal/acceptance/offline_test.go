// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"strings"
	"syscall"
	"testing"
)

// nowhere is a daemon that is not there.
func nowhere(t *testing.T) *daemon { return &daemon{t: t, address: "127.0.0.1:1"} }

// A plan needs no daemon.
func TestOfflinePlan(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(nowhere(t), worker(0, 0, ""), three(), connect("a", 0, "b", 0), class("top", "round_robin", ""))
	w.run("validate")
	code, out := w.try("plan", "-detailed-exitcode")
	if code != 2 {
		t.Errorf("exit status %d, want 2 (changes)\n%s", code, out)
	}
	wants(t, out, "6 to add, 0 to change, 0 to destroy")
}

// Nor does one of what exists already: the state is believed, and the user is
// told.
func TestOfflinePlanWithState(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := newWorkspace(t)
	w.write(d, three(), connect("a", 0, "b", 0))
	w.apply()
	d.stop(syscall.SIGKILL)
	code, out := w.try("plan", "-detailed-exitcode")
	if code != 0 {
		t.Errorf("exit status %d, want 0 (no changes)\n%s", code, out)
	}
	wants(t, out, "The daemon cannot be reached", "no daemon answers at "+d.address, "from the state alone")
	w.write(d, three(), connect("a", 0, "c", 0))
	code, out = w.try("plan", "-detailed-exitcode")
	if code != 2 {
		t.Errorf("exit status %d, want 2 (changes)\n%s", code, out)
	}
	wants(t, out, "1 to change")
	code, out = w.try("apply", "-auto-approve")
	if code != 1 {
		t.Errorf("apply without a daemon: exit status %d\n%s", code, out)
	}
	wants(t, out, "Error: The daemon cannot be reached", "Cannot move link", "is bessd running")
}

// An address that another resource will only give during apply.
func TestAddressNotKnownYet(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := newWorkspace(t)
	w.file("main.tf", required+`
resource "terraform_data" "machine" {
  input = "`+d.address+`"
}
provider "bess" {
  address = terraform_data.machine.output
}
`+three()+connect("a", 0, "b", 0))
	out := w.run("plan")
	wants(t, out, "5 to add")
	w.apply()
	if got := d.links("a"); len(got) != 1 || got[0] != "a:0->0:b" {
		t.Errorf("links are %v", got)
	}
}

func TestAddressFromEnvironment(t *testing.T) {
	d := startDaemon(t)
	t.Setenv("BESS_ADDRESS", d.address)
	w := newWorkspace(t)
	w.file("main.tf", required+`
data "bess_version" "v" {}
output "address" {
  value = data.bess_version.v.address
}`)
	wants(t, w.run("apply", "-auto-approve"), `address = "`+d.address+`"`)
}

func TestProviderRefused(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`address = "http://host"`: `address "http://host": must be host:port, a host, unix:/path or unix-abstract:name`,
		`address = "host:99999"`:  `port "99999": must be a number from 1 to 65535`,
		`timeout = "soon"`:        `timeout: "soon": must be a positive duration like 45s or 2m.`,
		`timeout = "-1s"`:         `timeout: "-1s": must be a positive duration`,
	} {
		w := newWorkspace(t)
		w.file("main.tf", required+"provider \"bess\" {\n  "+config+"\n}\n"+three())
		code, out := w.try("plan")
		if code != 1 {
			t.Errorf("%s: exit status %d", config, code)
		}
		wants(t, out, want)
	}
}

// Everything that is wrong with arguments is said at once, while planning,
// at the line, with the path, the value and, if there is one, the remedy.
func TestBadArguments(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(nowhere(t), `
resource "bess_module" "x" {
  name  = "x"
  class = "ACL"
  args = {
    rulez = []
    rules = [
      { src_ip = "172.12.0.0/16" },
      { src_ip = "10.0.0.0/40", dst_ip = "10.0.0.256" },
      { src_port = 70000, dst_port = -1, drop = "yes" },
      { src_ip = 7, dst_pot = 80 },
      "everything",
    ]
  }
}
resource "bess_module" "t" {
  name  = "t"
  class = "Rewrite"
  args  = { templates = ["0", "zz", "0011"] }
}
resource "bess_module" "s" {
  name  = "s"
  class = "Source"
  args  = { pkt_size = 60.5, pkt_sise = 1 }
}
resource "bess_module" "l" {
  name  = "l"
  class = "Source"
  args  = [60]
}
resource "bess_module" "c" {
  name  = "c"
  class = "Sorce"
}
resource "bess_module" "n" {
  name  = "a\tb"
  class = "Sink"
}`)
	code, out := w.try("plan")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	wants(t, out,
		`on main.tf line 14, in resource "bess_module" "x": 14: rulez = [] module "x": args.rulez: [0 elements]: unknown field (did you mean "rules"?)`,
		`line 15, in resource "bess_module" "x": 15: rules = [`,
		`module "x": args.rules[1].src_ip: "10.0.0.0/40": prefix length must be 0..32`,
		`args.rules[1].dst_ip: "10.0.0.256"`,
		`args.rules[2].src_port: 70000: must be 0..65535`,
		`args.rules[2].dst_port: -1:`,
		`args.rules[2].drop: "yes": expected true or false, got a string`,
		`args.rules[3].src_ip: 7: expected text, got a number`,
		`args.rules[3].dst_pot: 80: unknown field (did you mean "dst_port"?)`,
		`args.rules[4]: "everything": expected a map, got a string`,
		`module "t": args.templates[0]: "0"`,
		`module "t": args.templates[1]: "zz"`,
		`module "s": args.pkt_size: 60.5`,
		`args.pkt_sise: 1: unknown field (did you mean "pkt_size"?)`,
		`module "l": args: [1 elements]: expected a map, got a list`,
		`there is no class "Sorce". Did you mean "Source"?`,
		`must not contain control characters`,
	)
	if n := strings.Count(out, "Error: "); n != 16 {
		t.Errorf("%d errors, want 16", n)
	}
}

// Bad MAC addresses and layers of packets, in arguments and in the function.
func TestBadPackets(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(nowhere(t), `
resource "bess_module" "t" {
  name  = "t"
  class = "Rewrite"
  args = {
    templates = [{
      eth = { src = "02:00:00:00:00:0g", dst = "02:00:00:00:00" }
      ip  = { src = "1.2.3", dst = "1.2.3.4", tll = 3 }
    }]
  }
}
`)
	_, out := w.try("plan")
	wants(t, out, `args.templates[0].eth.src: "02:00:00:00:00:0g"`, `args.templates[0].eth.dst: "02:00:00:00:00"`,
		`args.templates[0].ip.src: "1.2.3"`, `args.templates[0].ip.tll: 3: unknown field (did you mean "ttl"?)`)
	w.write(nowhere(t), `
output "p" {
  value = provider::bess::packet({
    eth = { src = "02:00:00:00:00:01", dst = "02:00:00:00:00:02" }
    ipp = { src = "1.2.3.4", dst = "1.2.3.4" }
  })
}`)
	code, out := w.try("plan")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	wants(t, out, `Invalid value for "layers" parameter`, `ipp: {2 entries}: unknown layer (did you mean "ip"?)`)
}
