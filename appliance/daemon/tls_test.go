// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/bessform/terraform-provider-bess/appliance/access"
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// authority is a certificate authority of a test, with its files in a folder.
type authority struct {
	t   *testing.T
	dir string
	ca  *pki.Pair
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	key, err := pki.NewKey()
	a.must(err)
	a.ca, err = pki.NewAuthority("test", key, time.Now().Add(-48*time.Hour), 96*time.Hour)
	a.must(err)
	a.must(pki.WriteCerts(a.file("ca.crt"), true, a.ca.Cert))
	a.server()
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// server writes a new certificate of a daemon on loopback.
func (a *authority) server() *pki.Pair {
	a.t.Helper()
	key, err := pki.NewKey()
	a.must(err)
	p, err := a.ca.IssueServer(pki.Server{Name: "bessd", IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}, key)
	a.must(err)
	a.must(pki.WriteKey(a.file("server.key"), key, true))
	a.must(pki.WriteCerts(a.file("server.crt"), true, p.Cert))
	return p
}

// client issues a certificate.
func (a *authority) client(c pki.Client) *tls.Certificate {
	a.t.Helper()
	key, err := pki.NewKey()
	a.must(err)
	cert, err := a.ca.IssueClient(c, key.Public())
	a.must(err)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (a *authority) role(r pki.Role) *tls.Certificate {
	return a.client(pki.Client{Name: r.String() + "1", Role: r})
}

func (a *authority) flags() []string {
	return []string{"-tls_cert", a.file("server.crt"), "-tls_key", a.file("server.key"), "-tls_ca", a.file("ca.crt")}
}

// settings are those of a client; no certificate if cert is nil.
func (a *authority) settings(cert *tls.Certificate) *tls.Config {
	c := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"h2"}}
	c.RootCAs.AddCert(a.ca.Cert)
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	return c
}

// launchTLS starts bessd with a second listener.
func launchTLS(t *testing.T, flags ...string) (p *proc, address string) {
	t.Helper()
	address = testenv.Address(t)
	p = launch(t, append(flags, "-tls_listen", address)...)
	p.dial()
	return p, address
}

func connect(t *testing.T, address string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (a *authority) connect(address string, cert *tls.Certificate) *grpc.ClientConn {
	a.t.Helper()
	return connect(a.t, address, credentials.NewTLS(a.settings(cert)))
}

func call(t *testing.T, conn *grpc.ClientConn, method string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return conn.Invoke(ctx, method, &api.EmptyRequest{}, &api.EmptyRequest{})
}

const getVersion, resetAll, kill = "/bess.pb.BESSControl/GetVersion", "/bess.pb.BESSControl/ResetAll", "/bess.pb.BESSControl/KillBess"

// methodsOf asks a daemon for all methods of all its services.
func methodsOf(t *testing.T, conn *grpc.ClientConn) (unary, streams []string) {
	t.Helper()
	s, err := reflectpb.NewServerReflectionClient(conn).ServerReflectionInfo(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(r *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if err := s.Send(r); err != nil {
			t.Fatal(err)
		}
		resp, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	list := ask(&reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{}})
	for _, service := range list.GetListServicesResponse().GetService() {
		name := service.GetName()
		resp := ask(&reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}})
		for _, raw := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
			var f descriptorpb.FileDescriptorProto
			if err := proto.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			for _, sv := range f.GetService() {
				if f.GetPackage()+"."+sv.GetName() != name {
					continue
				}
				for _, m := range sv.GetMethod() {
					full := "/" + name + "/" + m.GetName()
					if m.GetClientStreaming() || m.GetServerStreaming() {
						streams = append(streams, full)
					} else {
						unary = append(unary, full)
					}
				}
			}
		}
	}
	return unary, streams
}

// Every method that the daemon has is in the table, the table has no other,
// and each role gets exactly as far as the table says.
func TestEveryMethodWithEveryRole(t *testing.T) {
	a := newAuthority(t)
	p, address := launchTLS(t, a.flags()...)
	unary, streams := methodsOf(t, p.dial())
	if n := len(unary) + len(streams); n != len(access.Methods()) || n < 60 {
		t.Errorf("the daemon has %d methods, the table %d: %s", n, len(access.Methods()), access.Methods())
	}
	for _, role := range pki.Roles() {
		conn := a.connect(address, a.role(role))
		for _, m := range append(unary, kill) {
			rule, known := access.Lookup(m)
			if !known {
				t.Errorf("%s is missing in the table", m)
				continue
			}
			if m == kill && role == pki.Admin {
				continue // ends the daemon
			}
			err := call(t, conn, m)
			if denied := status.Code(err) == codes.PermissionDenied; denied != (role < rule.Needs) {
				t.Errorf("%s by %s: %v; needs %s", m, role, err, rule.Needs)
			}
			for _, want := range []string{role.String() + "1", "role " + role.String(), m[1:], "needs role " + rule.Needs.String()} {
				if role < rule.Needs && !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q is not told: %v", m, want, err)
				}
			}
		}
		for _, m := range streams {
			if _, known := access.Lookup(m); !known {
				t.Errorf("%s is missing in the table", m)
			}
		}
		if err := call(t, conn, "/bess.pb.BESSControl/Nothing"); status.Code(err) != codes.Unimplemented {
			t.Errorf("an unknown method: %v", err)
		}
	}
	if err := call(t, a.connect(address, a.role(pki.Admin)), kill); err != nil {
		t.Error(err)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// What gets no certificate accepted gets nothing else either.
func TestWhoIsRefused(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	p, address := launchTLS(t, a.flags()...)
	old := a.client(pki.Client{Name: "old", Role: pki.Admin, From: time.Now().Add(-2 * time.Hour), Valid: time.Hour})
	early := a.client(pki.Client{Name: "early", Role: pki.Admin, From: time.Now().Add(24 * time.Hour)})
	foreign := a.settings(other.role(pki.Admin))
	foreign.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign.Certificates[0], nil }
	tooOld := a.settings(a.role(pki.Admin))
	tooOld.MaxVersion = tls.VersionTLS12
	for _, c := range []struct {
		name, log string
		creds     credentials.TransportCredentials
	}{
		{"no certificate", "didn't provide a certificate", credentials.NewTLS(a.settings(nil))},
		{"wrong authority", "not signed by a certificate authority that is trusted", credentials.NewTLS(foreign)},
		{"expired", `has expired at .*; this machine's clock says`, credentials.NewTLS(a.settings(old))},
		{"not yet valid", `is not yet valid: it begins at .*; check the clock, this machine says`, credentials.NewTLS(a.settings(early))},
		{"TLS 1.2", "unsupported versions", credentials.NewTLS(tooOld)},
		{"plaintext", "does not speak TLS", insecure.NewCredentials()},
	} {
		conn := connect(t, address, c.creds)
		if err := call(t, conn, getVersion); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", c.name, err)
		}
		said := regexp.MustCompile(c.log)
		testenv.Eventually(t, c.name+": the log says why", func() bool {
			_ = call(t, conn, getVersion) // one line a second is logged, so once may not be enough
			time.Sleep(50 * time.Millisecond)
			return said.MatchString(p.log.String())
		})
		_ = conn.Close()
	}
	if err := call(t, a.connect(address, a.role(pki.Reader)), getVersion); err != nil {
		t.Error(err)
	}
}

// A certificate without a role, or with the name of a caller without one, is
// told what is wrong with it.
func TestCertificateWithoutRole(t *testing.T) {
	a := newAuthority(t)
	_, address := launchTLS(t, a.flags()...)
	cert := a.client(pki.Client{Name: "ann", Role: pki.Nobody})
	err := call(t, a.connect(address, cert), getVersion)
	if status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}

// A port that other machines can reach is not served in plain text by
// accident.
func TestPlaintextOffHost(t *testing.T) {
	a := newAuthority(t)
	port := strings.TrimPrefix(testenv.Address(t), "127.0.0.1:")
	start := func(args ...string) *proc {
		p := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
		p.run(append([]string{"-i", p.pidFile(), "-p", port}, args...)...)
		return p
	}
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"-b", "0.0.0.0"}, "there is no TLS: give -tls_cert"},
		{[]string{"-b", ""}, "there is no TLS: give -tls_cert"},
		{a.flags(), "give -tls_listen"},
		{a.flags()[:4], "must be given together"},
		{[]string{"-tls_listen", "127.0.0.1:1"}, "needs certificates"},
		{append(a.flags(), "-tls_listen", "1234"), "must be host:port"},
		{append(a.flags(), "-tls_listen", "127.0.0.1:"+port), "this daemon has port " + port + " itself"},
		{append(a.flags(), "-enroll", t.TempDir()), "give either -enroll or"},
		{[]string{"-tls_cert", a.file("server.crt"), "-tls_key", a.file("none"), "-tls_ca", a.file("ca.crt"), "-tls_listen", "127.0.0.1:1"}, "-tls_key: open"},
	} {
		p := start(c.args...)
		if code := p.wait(); code != 1 || !strings.Contains(p.log.String(), c.text) {
			t.Errorf("%v: exit status %d, want %q:\n%s", c.args, code, c.text, p.log)
		}
	}
	p := start("-b", "0.0.0.0", "-insecure_plaintext_off_host")
	p.url = "127.0.0.1:" + port
	p.dial()
	if !strings.Contains(p.log.String(), "without TLS") {
		t.Errorf("no warning:\n%s", p.log)
	}
	_ = p.cmd.Process.Kill()
	p.wait()
	// With certificates the same address speaks TLS.
	q := start(append(a.flags(), "-b", "0.0.0.0")...)
	conn := a.connect("127.0.0.1:"+port, a.role(pki.Operator))
	testenv.Eventually(t, "it answers", func() bool {
		err := call(t, conn, resetAll)
		if err != nil && len(q.done) > 0 {
			t.Fatalf("%v\n%s", err, q.log)
		}
		return err == nil
	})
	if err := call(t, connect(t, "127.0.0.1:"+port, insecure.NewCredentials()), getVersion); status.Code(err) != codes.Unavailable {
		t.Errorf("plain text: %v", err)
	}
}
