// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// From an empty directory to a second client, with bessctl, without a restart.
func TestEnroll(t *testing.T) {
	dir, home := filepath.Join(t.TempDir(), "state"), t.TempDir()
	p, address := launchTLS(t, "-enroll", dir)
	m := p.awaitLog(`token=([A-Z2-7-]+) fingerprint=([0-9a-f]{64})`)
	token, fp := m[1], m[2]

	// Without a certificate there is health and Enroll, and nothing else.
	bare := connect(t, address, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}))
	if _, err := healthpb.NewHealthClient(bare).Check(context.Background(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	for _, m := range []string{getVersion, resetAll, "/bess.access.v1.Access/WhoAmI", "/bess.access.v1.Access/CreateToken", "/x.y/Z"} {
		if err := call(t, bare, m); err == nil || !strings.Contains(err.Error(), "this client has no certificate") {
			t.Errorf("%s: %v", m, err)
		}
	}
	enroll := func(token, fp string, extra ...string) (string, error) {
		return ctl(t, home, append([]string{"enroll", "--address", address, "--token", token, "--fingerprint", fp, "--name", "ann", "--dir", home + "/ann"}, extra...)...)
	}
	if out, err := enroll("AAAAA-BBBBB", fp); err == nil || !strings.Contains(out, "the join token is wrong") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := enroll(token, strings.Repeat("0", 64)); err == nil || !strings.Contains(out, "another machine answers") {
		t.Errorf("%v: %s", err, out)
	}
	out, err := enroll(strings.ToLower(token), strings.ToUpper(fp))
	if err != nil || !strings.Contains(out, "You are ann, role admin") || !strings.Contains(out, "export BESS_CERT="+home+"/ann/client.crt") {
		t.Fatalf("%v: %s\n%s", err, out, p.log)
	}
	if out, err := enroll(token, fp); err == nil || !strings.Contains(out, "client.crt exists") && !strings.Contains(out, "ca.crt exists") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := enroll(token, fp, "--force"); err == nil || !strings.Contains(out, "wants a client certificate") {
		t.Errorf("once enrolled, others are refused at the door: %v: %s", err, out)
	}
	if err := call(t, bare, getVersion); err == nil {
		t.Error("the connection without a certificate may call")
	}

	ann := []string{"--address", address, "--ca", home + "/ann/ca.crt", "--cert", home + "/ann/client.crt", "--key", home + "/ann/client.key"}
	out = mustCtl(t, home, append([]string{"version"}, ann...)...)
	if !strings.Contains(out, "you are  ann, role admin") || !regexp.MustCompile(`instance [0-9a-f]{16}, certificate [0-9a-f]{64}`).MatchString(out) {
		t.Errorf("%s", out)
	}
	// An admin lets a second client in.
	out = mustCtl(t, home, append([]string{"token", "--role", "reader"}, ann...)...)
	m = regexp.MustCompile(`--token (\S+) --fingerprint (\S+)`).FindStringSubmatch(out)
	if out, err = ctl(t, home, "enroll", "--address", address, "--token", m[1], "--fingerprint", m[2], "--name", "bob", "--dir", home+"/bob"); err != nil ||
		!strings.Contains(out, "You are bob, role reader") {
		t.Fatalf("%v: %s", err, out)
	}
	bob := []string{"--address", address, "--ca", home + "/bob/ca.crt", "--cert", home + "/bob/client.crt", "--key", home + "/bob/client.key"}
	if out, err := ctl(t, home, append([]string{"token", "--role", "reader"}, bob...)...); err == nil || !strings.Contains(out, "needs role admin") {
		t.Errorf("%v: %s", err, out)
	}
	for file, mode := range map[string]os.FileMode{dir: 0o700, dir + "/ca.key": 0o600, dir + "/server.key": 0o600, home + "/ann/client.key": 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}

	// The identity outlives the daemon, and no token is shown again.
	_ = p.cmd.Process.Kill()
	p.wait()
	p.log = &output{}
	p.run("-grpc_url", p.url, "-i", p.pidFile(), "-enroll", dir, "-tls_listen", address)
	p.dial()
	mustCtl(t, home, append([]string{"show", "module"}, bob...)...)
	if strings.Contains(p.log.String(), "token=") {
		t.Errorf("a token is shown:\n%s", p.log)
	}
	// Another box at the same address is noticed.
	_ = p.cmd.Process.Kill()
	p.wait()
	p.log = &output{}
	p.run("-grpc_url", p.url, "-i", p.pidFile(), "-enroll", filepath.Join(t.TempDir(), "other"), "-tls_listen", address)
	m = p.awaitLog(`token=([A-Z2-7-]+) fingerprint=([0-9a-f]{64})`)
	if out, err = ctl(t, home, "enroll", "--address", address, "--token", m[1], "--fingerprint", m[2], "--dir", home+"/other"); err != nil ||
		!strings.Contains(out, "is not the one that answered there before") {
		t.Errorf("%v: %s", err, out)
	}
}

// Guessing a token ends soon, and a wrong request does not spend it.
func TestEnrollIsGuarded(t *testing.T) {
	p, address := launchTLS(t, "-enroll", filepath.Join(t.TempDir(), "state"))
	m := p.awaitLog(`token=([A-Z2-7-]+) fingerprint=([0-9a-f]{64})`)
	c := dialClient(t, address, client.TLS{Fingerprint: m[2]})
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewRequest("ann", key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enroll(context.Background(), m[1], []byte("no request")); err == nil || !strings.Contains(err.Error(), "must be PEM") {
		t.Errorf("%v", err)
	}
	// Two clients with one token: one gets in.
	var in atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		d := dialClient(t, address, client.TLS{Fingerprint: m[2]})
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := d.Enroll(context.Background(), m[1], csr); err == nil {
				in.Add(1)
			}
		}()
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d clients got in with one token", in.Load())
	}
	local := dialClient(t, p.url, client.TLS{})
	if _, err := local.CreateToken(context.Background(), pki.Reader, 60); err != nil {
		t.Fatal(err)
	}
	guess := dialClient(t, address, client.TLS{Fingerprint: m[2]})
	for range 10 {
		_, err = guess.Enroll(context.Background(), "AAAAA", csr)
	}
	if err == nil || !strings.Contains(err.Error(), "too many wrong join tokens") {
		t.Errorf("%v", err)
	}
	short, err := local.CreateToken(context.Background(), pki.Reader, 1)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond)
	if _, err := local.Enroll(context.Background(), short.GetToken(), csr); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
}
