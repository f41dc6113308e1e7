// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// bessctl is built by the first test that needs it.
var bessctl = sync.OnceValues(func() (string, error) {
	file := filepath.Join(filepath.Dir(binary), "bessctl")
	out, err := exec.Command("go", "build", "-o", file, "../cmd/bessctl").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return file, err
})

// ctl runs bessctl with a home of its own.
func ctl(t *testing.T, home string, args ...string) (string, error) {
	t.Helper()
	file, err := bessctl()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustCtl(t *testing.T, home string, args ...string) string {
	t.Helper()
	out, err := ctl(t, home, args...)
	if err != nil {
		t.Fatalf("bessctl %v: %v\n%s", args, err, out)
	}
	return out
}

// awaitLog waits for a line and returns the submatches.
func (p *proc) awaitLog(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if m := re.FindStringSubmatch(p.log.String()); m != nil {
			return m
		}
	}
	p.t.Fatalf("the log never says %q:\n%s", pattern, p.log)
	return nil
}

// files writes a client's certificate and key.
func (a *authority) files(name string, cert *tls.Certificate) client.TLS {
	a.t.Helper()
	c, err := x509.ParseCertificate(cert.Certificate[0])
	a.must(err)
	a.must(pki.WriteCerts(a.file(name+".crt"), true, c))
	a.must(pki.WriteKey(a.file(name+".key"), cert.PrivateKey.(crypto.Signer), true))
	return client.TLS{CA: a.file("ca.crt"), Cert: a.file(name + ".crt"), Key: a.file(name + ".key")}
}

func dialClient(t *testing.T, address string, s client.TLS) *client.Client {
	t.Helper()
	c, err := client.Dial(address, client.Options{TLS: s, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What can go wrong between a client and a daemon is told to the client.
func TestClientIsToldWhy(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	p, address := launchTLS(t, a.flags()...)
	plain := testenv.Address(t)
	q := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1), url: plain}
	q.run("-grpc_url", plain, "-i", q.pidFile())
	q.dial()
	good := a.files("good", a.role(pki.Reader))
	foreign := other.files("foreign", other.role(pki.Reader))
	foreign.CA = good.CA
	wrongCA := good
	wrongCA.CA = other.file("ca.crt")
	noCert := client.TLS{CA: good.CA}
	named := good
	named.ServerName = "elsewhere"
	old := a.files("old", a.client(pki.Client{Name: "old", Role: pki.Reader, From: time.Now().Add(-2 * time.Hour), Valid: time.Hour}))
	early := a.files("early", a.client(pki.Client{Name: "early", Role: pki.Reader, From: time.Now().Add(24 * time.Hour)}))
	for _, c := range []struct {
		name, address string
		tls           client.TLS
		text          string
	}{
		{"no certificate", address, noCert, "the daemon wants a client certificate: set cert and key"},
		{"client's authority", address, foreign, `"reader1", issued by "test".* is not signed by an authority that the daemon trusts`},
		{"daemon's authority", address, wrongCA, "the daemon's certificate .* is not signed by a certificate authority that is trusted here; ca .*ca.crt is another one"},
		{"expired", address, old, "has expired at .*; this machine's clock says"},
		{"not yet valid", address, early, "is not yet valid: it begins at .*; check the clock, this machine says"},
		{"name", address, named, "the daemon's certificate is for 127.0.0.1, not for elsewhere; .* set server_name"},
		{"plain text to TLS", address, client.TLS{}, "the port speaks TLS, and this client plain text"},
		{"TLS to plain text", plain, good, "the port speaks plain text, not TLS"},
	} {
		_, err := dialClient(t, c.address, c.tls).Version(context.Background())
		if err == nil || !regexp.MustCompile(c.text).MatchString(err.Error()) || !client.IsUnreachable(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := dialClient(t, address, good).Version(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := dialClient(t, p.url, good).Version(context.Background()); err != nil {
		t.Errorf("a Unix socket has no TLS: %v", err)
	}
	err := dialClient(t, address, good).Reset(context.Background())
	if err == nil || !strings.Contains(err.Error(), "reader1 has role reader, and bess.pb.BESSControl/ResetAll needs role operator") {
		t.Errorf("%v", err)
	}
}

// New files are taken in use under an open connection; broken ones are not,
// and health and log say so.
func TestRotation(t *testing.T) {
	a := newAuthority(t)
	p, address := launchTLS(t, a.flags()...)
	admin := a.files("admin", a.role(pki.Admin))
	open := dialClient(t, address, admin)
	who := func(c *client.Client) *accesspb.WhoAmIResponse {
		r, err := c.WhoAmI(context.Background())
		a.must(err)
		return r
	}
	first := who(open)
	if first.GetName() != "admin1" || first.GetRole() != "admin" {
		t.Errorf("%v", first)
	}
	health := func() healthpb.HealthCheckResponse_ServingStatus {
		r, err := healthpb.NewHealthClient(open.Conn()).Check(context.Background(), &healthpb.HealthCheckRequest{Service: "bess.access.v1.Access"})
		a.must(err)
		return r.GetStatus()
	}
	good, err := os.ReadFile(a.file("server.crt"))
	a.must(err)
	a.must(os.WriteFile(a.file("server.crt"), good[:len(good)/2], 0o644))
	p.awaitLog("new certificate files cannot be used")
	if health() != healthpb.HealthCheckResponse_NOT_SERVING || !strings.Contains(who(open).GetProblem(), "-tls_cert") {
		t.Errorf("health does not say so: %v", who(open))
	}
	if h, err := open.Health(context.Background()); err != nil || h.GetOk() || !strings.Contains(h.String(), "-tls_cert") {
		t.Errorf("conditions do not say so: %v, %v", h, err)
	}
	if got := who(dialClient(t, address, admin)); got.GetFingerprint() != first.GetFingerprint() {
		t.Errorf("the old certificate is not in use: %v", got)
	}
	want := pki.Fingerprint(a.server().Cert)
	for end := time.Now().Add(time.Minute); who(open).GetFingerprint() != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the new certificate is not in use:\n%s", p.log)
		}
	}
	fresh := dialClient(t, address, admin)
	if got := who(fresh); got.GetProblem() != "" || health() != healthpb.HealthCheckResponse_SERVING || fresh.Instance() != got.GetInstance() {
		t.Errorf("%v, %v", got, health())
	}
	if open.Instance() != first.GetInstance() || fresh.Instance() == first.GetInstance() {
		t.Error("the open connection was not kept, or the new one sees the old key")
	}
}

// auditLine is a line of the audit log.
type auditLine struct{ Time, Identity, Role, Peer, Call, Object, Result string }

func readAudit(t *testing.T, file string) (lines []auditLine) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil || len(line) > 8192 {
			t.Fatalf("%v: %d bytes: %s", err, len(line), line)
		}
		lines = append(lines, l)
	}
	return lines
}

// Two clients at once change a pipeline; each line says who did what.
func TestAudit(t *testing.T) {
	a := newAuthority(t)
	file := filepath.Join(t.TempDir(), "audit.log")
	p, address := launchTLS(t, append(a.flags(), "-audit_log", file)...)
	ctx := context.Background()
	var wg sync.WaitGroup
	for _, name := range []string{"ann", "bob"} {
		c := dialClient(t, address, a.files(name, a.client(pki.Client{Name: name, Role: pki.Operator})))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 20 {
				if _, err := c.CreateModule(ctx, fmt.Sprintf("%s%d", name, i), "Sink", nil); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	reader := dialClient(t, address, a.files("reader", a.role(pki.Reader)))
	_, _ = reader.CreateModule(ctx, "x", "Sink", nil)
	_, _ = reader.Command(ctx, "ann1", "get_initial_arg", nil)
	local := dialClient(t, p.url, client.TLS{})
	_, _ = local.CreateModule(ctx, "ann1", "Sink", nil)
	_, _ = local.CreateModule(ctx, strings.Repeat("\x01é", 5000), "Sink", nil)
	if err := local.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	p.wait()
	lines := readAudit(t, file)
	by := map[string]int{}
	for _, l := range lines {
		by[l.Identity+" "+l.Result[:2]]++
		if _, err := time.Parse(time.RFC3339, l.Time); err != nil {
			t.Error(err)
		}
	}
	if by["ann ok"] != 20 || by["bob ok"] != 20 || by["local er"] != 2 || by["local ok"] != 1 || by["reader1 Pe"] != 1 || len(lines) != 44 {
		t.Errorf("%v", by)
	}
	for _, want := range []auditLine{
		{Identity: "local", Role: "admin", Peer: fmt.Sprintf("unix uid=%d pid=%d", os.Getuid(), os.Getpid()), Call: "bess.pb.BESSControl/CreateModule", Object: "name=ann1 mclass=Sink", Result: "errno=17: "},
		{Identity: "reader1", Role: "reader", Peer: "127.0.0.1:", Call: "bess.pb.BESSControl/CreateModule", Object: "name=x mclass=Sink", Result: "PermissionDenied: "},
	} {
		found := false
		for _, l := range lines {
			found = found || l.Identity == want.Identity && l.Role == want.Role && strings.HasPrefix(l.Peer, want.Peer) && l.Call == want.Call &&
				l.Object == want.Object && strings.HasPrefix(l.Result, want.Result)
		}
		if !found {
			t.Errorf("no line like %+v in\n%+v", want, lines)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A thousand clients that are refused do not disturb one that is not.
func TestFailingHandshakesDoNotDisturb(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	p, address := launchTLS(t, a.flags()...)
	c := dialClient(t, address, a.files("reader", a.role(pki.Reader)))
	bad := a.settings(other.role(pki.Admin))
	bad.ServerName = "127.0.0.1"
	cert := bad.Certificates[0]
	bad.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 50 {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				switch (i + j) % 3 {
				case 0:
					_, _ = conn.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
				case 1:
					tc := tls.Client(conn, bad)
					if tc.Handshake() == nil {
						_, err = tc.Read(make([]byte, 1))
					}
					if err != nil && strings.Contains(err.Error(), "authority") {
						refused.Add(1)
					}
				}
				_ = conn.Close()
			}
		}()
	}
	for range 50 {
		if _, err := c.Version(context.Background()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if _, err := dialClient(t, address, a.files("reader", a.role(pki.Reader))).Version(context.Background()); err != nil {
		t.Error(err)
	}
	if refused.Load() < 300 {
		t.Errorf("%d clients were told why", refused.Load())
	}
	if n := strings.Count(p.log.String(), "TLS connection refused"); n == 0 || n > 200 {
		t.Errorf("%d lines in the log", n)
	}
}
