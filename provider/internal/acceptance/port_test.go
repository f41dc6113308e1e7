// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// socket writes a bess_port called p on a local socket.
func socket(path, more string) string {
	return fmt.Sprintf("resource \"bess_port\" \"p\" {\n  name   = \"p\"\n  driver = \"UnixSocketPort\"\n  args   = { path = %q%s }\n}\n", path, more)
}

// user writes a module that uses port p and follows when it is replaced.
func user(name, class string) string {
	return fmt.Sprintf(`resource "bess_module" %q {
  name  = %q
  class = %q
  args  = { port = bess_port.p.name }
  lifecycle {
    replace_triggered_by = [bess_port.p]
  }
}
`, name, name, class)
}

func TestPortLifecycle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	one, two := filepath.Join(d.dir, "1"), filepath.Join(d.dir, "2")
	echo := user("in", "PortInc") + user("out", "PortOut") + connect("in", 0, "out", 0)
	works := func(path string) resource.TestCheckFunc {
		return resource.ComposeTestCheckFunc(d.hasLinks("in", "in:0->0:out"), says(func() string { return echoes(path) }))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{
				Config: hcl(d, socket(one, ""), echo),
				Check: resource.ComposeTestCheckFunc(works(one),
					resource.TestMatchResourceAttr("bess_port.p", "mac_addr", loosely(`:`)),
					resource.TestCheckResourceAttr("bess_port.p", "num_inc_q", "1")),
			},
			{ // the same, said in another way
				Config:           hcl(d, socket(one, ", min_rx_interval_ns = 0"), echo),
				ConfigPlanChecks: unchanged(),
			},
			{
				ResourceName: "bess_port.p", ImportState: true, ImportStateId: "p",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
			},
			{ // modules and their links follow the port
				Config:           hcl(d, socket(two, ""), echo),
				ConfigPlanChecks: planned("bess_port.p", plancheck.ResourceActionReplace),
				Check:            works(two),
			},
			{ // everything destroyed by somebody
				PreConfig:        func() { d.must(d.c.Reset(ctx())) },
				Config:           hcl(d, socket(two, ""), echo),
				ConfigPlanChecks: planned("bess_port.p", plancheck.ResourceActionCreate),
				Check:            works(two),
			},
		},
	})
}

// echoes sends a packet through the pipeline and waits for it to come back.
func echoes(path string) string {
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	packet := make([]byte, 60)
	packet[0] = 2
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(packet); err != nil {
		return err.Error()
	}
	got := make([]byte, 100)
	if n, err := conn.Read(got); err != nil || n != 60 || got[0] != 2 {
		return fmt.Sprintf("%d bytes came back, %v", n, err)
	}
	return ""
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := hcl(d, socket(filepath.Join(d.dir, "1"), ""))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					_, err := d.c.CreateModule(ctx(), "in", "PortInc", pack(t, "PortInc", map[string]any{"port": "p"}))
					d.must(err)
				},
				Config: config, Destroy: true,
				ExpectError: loosely(`A module still uses port "p".`),
			},
			{
				PreConfig: func() { d.must(d.c.DestroyModule(ctx(), "in")) },
				Config:    config,
			},
		},
	})
}

func TestPortRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	_, err := d.c.CreatePort(ctx(), &api.CreatePortRequest{Name: "p", Driver: "UnixSocketPort"})
	d.must(err)
	for name, c := range map[string]struct {
		config, want string
		apply        bool
	}{
		"driver":   {"resource \"bess_port\" \"p\" {\n  driver = \"UnixSocketPrt\"\n}", `Did you mean "UnixSocketPort"?`, false},
		"argument": {socket("/x", ", pth = 1"), `port "p": args.pth: 1: unknown field (did you mean "path"?)`, false},
		"queues":   {"resource \"bess_port\" \"p\" {\n  driver = \"UnixSocketPort\"\n  num_inc_q = 129\n}", `Attribute num_inc_q value must be between 1 and 128, got: 129`, false},
		"size":     {"resource \"bess_port\" \"p\" {\n  driver = \"UnixSocketPort\"\n  size_out_q = 4097\n}", `Attribute size_out_q value must be between 1 and 4096, got: 4097`, false},
		"twice": {socket("/x", "") + "resource \"bess_port\" \"q\" {\n  name = \"p\"\n  driver = \"UnixSocketPort\"\n}",
			`Another resource of this configuration makes a port named "p" too.`, false},
		"exists": {socket("/x", ""), `terraform import <address> p`, true},
		"path":   {"resource \"bess_port\" \"q\" {\n  driver = \"UnixSocketPort\"\n  args = { path = \"/no/such/folder/s\" }\n}", `/no/such/folder/s`, true},
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps:                    []resource.TestStep{{Config: hcl(d, c.config), PlanOnly: !c.apply, ExpectError: loosely(c.want)}},
			})
		})
	}
}
