// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
	"github.com/bessform/terraform-provider-bess/images/boottest/vm"
)

// serverName is the name that the certificates of boxes are for.
const serverName = "box"

// operator is somebody who makes boxes: an authority of certificates.
type operator struct {
	t  *testing.T
	ca *pki.Pair
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	// Long before now: one of the certificates below is to be expired.
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.NewAuthority("operator", key, time.Now().Add(-72*time.Hour), 96*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t, ca}
}

// tls returns the section tls of a seed.
func (o *operator) tls() string {
	o.t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	p, err := o.ca.IssueServer(pki.Server{Name: serverName, Hosts: []string{serverName}}, key)
	if err != nil {
		o.t.Fatal(err)
	}
	private, err := pki.EncodeKey(key)
	if err != nil {
		o.t.Fatal(err)
	}
	block := func(name string, text []byte) string {
		return "  " + name + ": |\n    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n"
	}
	return "tls:\n" + block("cert", pki.EncodeCerts(p.Cert)) + block("key", private) + block("clientCA", pki.EncodeCerts(o.ca.Cert))
}

// identity issues a certificate for a client.
func (o *operator) identity(c pki.Client) tls.Certificate {
	o.t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	cert, err := o.ca.IssueClient(c, key.Public())
	if err != nil {
		o.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// connect makes a connection that trusts this operator's boxes, and shows
// what it is given even to those who will not like it. Nothing is sent yet.
func (o *operator) connect(address string, show ...tls.Certificate) *grpc.ClientConn {
	o.t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: serverName, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13}
	c.RootCAs.AddCert(o.ca.Cert)
	if len(show) > 0 {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &show[0], nil }
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(c)))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// dial connects to a box as an administrator, and waits until it is healthy.
func (o *operator) dial(ctx context.Context, m *vm.VM) *grpc.ClientConn {
	o.t.Helper()
	conn := o.connect(m.API, o.identity(pki.Client{Name: "admin1", Role: pki.Admin}))
	o.wait(ctx, conn)
	return conn
}

// wait waits until a box answers and is healthy.
func (o *operator) wait(ctx context.Context, conn *grpc.ClientConn) {
	o.t.Helper()
	for {
		r, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: "bess.pb.BESSControl"}, grpc.WaitForReady(true))
		if err == nil && r.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return
		}
		if ctx.Err() != nil {
			o.t.Fatalf("the box does not get healthy: %v %v", r, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
