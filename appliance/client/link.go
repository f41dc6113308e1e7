// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// link makes connections and remembers why the last one failed: gRPC only
// keeps a text of it, and TLS 1.3 tells a client after its handshake that its
// certificate was refused.
type link struct {
	credentials.TransportCredentials // those of plain text, for what is not overridden
	tls                              TLS

	mu   sync.Mutex
	why  string            // empty after a success
	peer *x509.Certificate // the daemon's, of the last success
}

func newLink(t TLS) *link { return &link{TransportCredentials: insecure.NewCredentials(), tls: t} }

// Info describes the protocol.
func (l *link) Info() credentials.ProtocolInfo {
	if !l.tls.enabled() {
		return l.TransportCredentials.Info()
	}
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the link itself: what it remembers belongs together.
func (l *link) Clone() credentials.TransportCredentials { return l }

// ClientHandshake connects, with TLS if that is set.
func (l *link) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if !l.tls.enabled() {
		conn, info, err := l.TransportCredentials.ClientHandshake(ctx, authority, raw)
		return &watched{Conn: conn, link: l}, info, err
	}
	config, err := l.tls.config()
	if err != nil {
		return nil, nil, l.failed(err.Error(), err)
	}
	if config.ServerName == "" {
		if config.ServerName, _, err = net.SplitHostPort(authority); err != nil {
			config.ServerName = authority
		}
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, l.failed(l.explain(err), err)
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		err := errors.New("what answers speaks TLS but not HTTP/2: it is no bessd")
		return nil, nil, l.failed(err.Error(), err)
	}
	info := credentials.TLSInfo{State: state, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}
	return &watched{Conn: conn, link: l, peer: state.PeerCertificates[0]}, info, nil
}

func (l *link) failed(why string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = why
	return err
}

func (l *link) succeeded(peer *x509.Certificate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why, l.peer = "", peer
}

// reason returns why the last connection failed, "" if it did not.
func (l *link) reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// certificate returns that of the daemon, nil without TLS or connection.
func (l *link) certificate() *x509.Certificate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer
}

// explain says why a handshake failed, for the person who has to mend it.
func (l *link) explain(err error) string {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var pin errPin
	switch {
	case errors.As(err, &verify):
		why := pki.Explain(verify.Err, "the daemon's certificate")
		var name x509.HostnameError
		var unknown x509.UnknownAuthorityError
		switch {
		case errors.As(err, &name):
			why += "; connect to one of those, or set server_name (--server-name, " + EnvServerName + ")"
		case errors.As(err, &unknown) && l.tls.CA == "":
			why += "; set ca (--ca, " + EnvCA + ")"
		case errors.As(err, &unknown):
			why += "; " + origin("ca", l.tls.CA) + " is another one"
		}
		return why
	case errors.As(err, &record):
		return "the port speaks plain text, not TLS: use the port of -tls_listen, or leave out ca, cert and key (" + EnvCA + ", " + EnvCert + ", " + EnvKey + ")"
	case errors.As(err, &pin):
		return pin.Error()
	}
	return l.explainAlert(err)
}

// alert reports whether the daemon ended the connection with a TLS alert (RFC
// 8446, section 6). The type that package tls uses is not exported.
func alert(err error, number tls.AlertError) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && op.Err.Error() == number.Error()
}

// explainAlert says what the daemon has against this client.
func (l *link) explainAlert(err error) string {
	const (
		handshakeFailure, badCertificate, expired, unknown, unknownCA, version, required = 40, 42, 45, 46, 48, 70, 116
	)
	switch {
	case alert(err, required) || l.tls.Cert == "" && (alert(err, badCertificate) || alert(err, handshakeFailure)):
		return "the daemon wants a client certificate: set cert and key (--cert and --key, " + EnvCert + " and " + EnvKey + "); `bessctl enroll` or `bessctl pki client` makes them"
	case alert(err, unknownCA):
		return l.mine() + " is not signed by an authority that the daemon trusts"
	case alert(err, expired):
		return l.outdated()
	case alert(err, badCertificate) || alert(err, unknown):
		return "the daemon does not accept " + l.mine() + "; its log says why"
	case alert(err, version):
		return "the daemon does not speak TLS 1.3"
	}
	return err.Error()
}

// mine names the client's certificate.
func (l *link) mine() string {
	name := "this client's certificate"
	if c := l.own(); c != nil {
		name += fmt.Sprintf(" (%q, issued by %q)", c.Subject.CommonName, c.Issuer.CommonName)
	}
	return name
}

func (l *link) own() *x509.Certificate {
	pair, err := l.tls.pair()
	if err != nil {
		return nil
	}
	return pair.Leaf
}

// outdated says whose clock is to be looked at when a daemon finds that the
// client's certificate is not valid now.
func (l *link) outdated() string {
	c := l.own()
	if c == nil {
		return "the daemon says that this client's certificate is not valid now"
	}
	if why := pki.Outdated(c, l.mine(), time.Now()); why != "" {
		return why
	}
	return fmt.Sprintf("by the daemon's clock %s is not yet valid, or has expired: it is valid from %s to %s, and this machine says %s; check the clock of the daemon",
		l.mine(), c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
}

// watched looks at the first bytes that come, and at how a connection ends.
type watched struct {
	net.Conn
	link *link
	peer *x509.Certificate
	seen bool // bytes have come; reads are made by one goroutine
}

// Read notes that the daemon talks, or why it does not.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	switch {
	case w.seen:
	case n > 0:
		w.seen = true
		if why := notGRPC(b[:n]); why != "" && w.peer == nil {
			_ = w.link.failed(why, nil)
		} else {
			w.link.succeeded(w.peer)
		}
	case err != nil && w.peer != nil:
		_ = w.link.failed(w.link.explainAlert(err), nil)
	}
	return n, err
}

// Write reads why the daemon has hung up, if it has.
func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err != nil && w.peer != nil && w.link.reason() == "" {
		_ = w.Conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, gone := w.Conn.Read(make([]byte, 1)); gone != nil {
			_ = w.link.failed(w.link.explainAlert(gone), nil)
		}
	}
	return n, err
}

// notGRPC recognises other answers to plain text than that of gRPC.
func notGRPC(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("HTTP/1.")):
		return "the port speaks TLS, and this client plain text: set ca, cert and key (--ca, --cert and --key, " + EnvCA + ", " + EnvCert + " and " + EnvKey + ")"
	case len(b) > 1 && b[0] == 21 && b[1] == 3: // a TLS alert (RFC 8446, section 5.1)
		return "the port speaks TLS, and this client plain text: set ca, cert and key"
	}
	return ""
}
