// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// door is a daemon with a TLS listener, and the files of its clients.
type door struct {
	*daemon
	dir, address string
}

// startTLS starts bessd with a second listener on loopback, beside the socket
// by which the test looks at it.
func startTLS(t *testing.T) *door {
	t.Helper()
	need(t)
	d := &door{dir: t.TempDir()}
	key, err := pki.NewKey()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	ca, err := pki.NewAuthority("test", key, time.Now(), time.Hour)
	check(err)
	check(pki.WriteCerts(d.file("ca.crt"), false, ca.Cert))
	server, err := ca.IssueServer(pki.Server{Name: "bessd", Hosts: []string{pki.ServerName}}, key)
	check(err)
	check(pki.WriteCerts(d.file("server.crt"), false, server.Cert))
	check(pki.WriteKey(d.file("server.key"), key, false))
	for _, role := range pki.Roles() {
		key, err := pki.NewKey()
		check(err)
		cert, err := ca.IssueClient(pki.Client{Name: "the-" + role.String(), Role: role}, key.Public())
		check(err)
		check(pki.WriteCerts(d.file(role.String()+".crt"), false, cert))
		check(pki.WriteKey(d.file(role.String()+".key"), key, false))
	}
	// Not 127.0.0.1: of that, tests of other packages take ports meanwhile.
	pid := os.Getpid()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 64+pid>>16&63, pid>>8&255, pid&255))
	check(err)
	d.address = l.Addr().String()
	check(l.Close())
	d.daemon = startDaemon(t, "-tls_listen", d.address, "-tls_cert", d.file("server.crt"), "-tls_key", d.file("server.key"), "-tls_ca", d.file("ca.crt"))
	return d
}

func (d *door) file(name string) string { return filepath.Join(d.dir, name) }

// paths is a provider block that names files.
func (d *door) paths(role string) string {
	return fmt.Sprintf("provider \"bess\" {\n  address = %q\n  ca = %q\n  cert = %q\n  key = %q\n  server_name = \"bessd\"\n}\n",
		d.address, d.file("ca.crt"), d.file(role+".crt"), d.file(role+".key"))
}

// inline is a provider block that has the texts in it.
func (d *door) inline(role string) string {
	text := func(name string) string {
		b, err := os.ReadFile(d.file(name))
		if err != nil {
			d.t.Fatal(err)
		}
		return "<<-PEM\n" + string(b) + "PEM\n"
	}
	return fmt.Sprintf("provider \"bess\" {\n  address = %q\n  server_name = \"bessd\"\n  ca = %s  cert = %s  key = %s}\n",
		d.address, text("ca.crt"), text(role+".crt"), text(role+".key"))
}

const sink = "resource \"bess_module\" \"sink\" {\n  name  = \"sink\"\n  class = \"Sink\"\n}\n"

// Inline texts and files do the same, a reader may plan and not apply.
func TestTLS(t *testing.T) {
	t.Parallel()
	d := startTLS(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: d.inline("reader") + sink, ExpectError: loosely("the-reader has role reader, and bess.pb.BESSControl/CreateModule needs role operator")},
			{Config: d.inline("operator") + sink},
			{Config: d.paths("reader") + sink, PlanOnly: true},
			{Config: d.paths("operator") + sink + strings.ReplaceAll(sink, "sink", "sink2")},
		},
	})
}

// A terraform process of its own takes the certificates from the environment,
// and what is wrong with them is told with the name of the setting.
func TestTLSFromTheEnvironment(t *testing.T) {
	d := startTLS(t)
	w := newWorkspace(t)
	for k, v := range map[string]string{"BESS_ADDRESS": d.address, "BESS_CA": d.file("ca.crt"), "BESS_CERT": d.file("operator.crt"),
		"BESS_KEY": d.file("operator.key"), "BESS_SERVER_NAME": "bessd"} {
		t.Setenv(k, v)
	}
	w.file("main.tf", required+sink)
	for _, args := range [][]string{{"apply", "-auto-approve"}, {"plan", "-detailed-exitcode"}} {
		if code, out := w.try(args...); code != 0 {
			t.Fatalf("%v: %d: %s", args, code, out)
		}
	}
	if d.module("sink") == nil {
		t.Error("nothing was made")
	}
	for name, c := range map[string]struct{ variable, value, text string }{
		"no certificate": {"BESS_CERT", "", "cert: is missing"},
		"no such file":   {"BESS_CA", d.file("none"), "no such file"},
		"another name":   {"BESS_SERVER_NAME", "elsewhere", "the daemon's certificate is for bessd, not for elsewhere"},
		"the wrong key":  {"BESS_KEY", d.file("reader.key"), "not the key of"},
		"the wrong CA":   {"BESS_CA", d.file("reader.crt"), "is not signed by a certificate authority that is trusted here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			// A daemon that cannot be reached is a warning: plans are made without.
			if code, out := w.try("plan"); code > 1 || !strings.Contains(out, c.text) {
				t.Errorf("%d: %s", code, out)
			}
		})
	}
	if code, out := w.try("destroy", "-auto-approve"); code != 0 {
		t.Errorf("%d: %s", code, out)
	}
}
