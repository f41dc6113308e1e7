// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

const (
	// handshakeTime is how long a client may take to show its certificate.
	handshakeTime = 10 * time.Second
	// maxHandshakes bounds the handshakes under way; more wait.
	maxHandshakes = 256
	// linger is how long a refused connection is drained, so that the client
	// reads the alert and not a reset.
	linger = time.Second
)

// tlsConn marks a connection of the TLS listener.
type tlsConn struct{ net.Conn }

// tlsListener marks the connections that it accepts.
type tlsListener struct{ net.Listener }

func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{c}, nil
}

// creds identify the callers of both listeners: one server serves both.
type creds struct {
	config func() *tls.Config
	slots  chan struct{}
	log    failureLog
}

// ServerHandshake identifies a caller.
func (c *creds) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	marked, ok := raw.(*tlsConn)
	if !ok {
		return raw, info{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}, id: plaintext(raw)}, nil
	}
	conn, err := c.handshake(marked.Conn)
	if err != nil {
		c.log.failed(raw.RemoteAddr(), explain(err))
		answerPlain(err)
		drain(marked.Conn)
		return nil, nil, err
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		c.log.failed(raw.RemoteAddr(), "the client does not speak HTTP/2")
		return nil, nil, errors.New("no HTTP/2")
	}
	id := certified(state.PeerCertificates, raw.RemoteAddr().String())
	return conn, info{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, id: id}, nil
}

// handshake waits for its turn and for the client.
func (c *creds) handshake(raw net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, errors.New("too many connections that have not shown a certificate yet")
	}
	conn := tls.Server(raw, c.config())
	return conn, conn.HandshakeContext(ctx)
}

// explain says why a handshake failed.
func explain(err error) string {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.As(err, &verify):
		return pki.Explain(verify.Err, "the client's certificate")
	case errors.As(err, &record):
		return "the client does not speak TLS"
	case errors.As(err, &remote) && remote.Op == "remote error":
		return fmt.Sprintf("the client does not accept this daemon's certificate (%v)", remote.Err)
	case errors.Is(err, io.EOF):
		return "the client closed the connection"
	case errors.Is(err, context.DeadlineExceeded):
		return "the client did not finish in time"
	}
	return strings.TrimPrefix(err.Error(), "tls: ")
}

// plainAnswer is what a client without TLS is told.
const plainAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"This port speaks TLS 1.3 and needs a client certificate.\n"

// answerPlain answers a client without TLS, as far as it can be answered.
func answerPlain(err error) {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil {
		_ = record.Conn.SetWriteDeadline(time.Now().Add(linger))
		_, _ = io.WriteString(record.Conn, plainAnswer)
	}
}

// drain reads what a refused client still sends: closing a connection with
// unread bytes resets it, and the client may never see why.
func drain(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.CopyN(io.Discard, c, 64<<10)
}

// failureLog logs failed handshakes, one a second: whoever can reach the port
// can make them.
type failureLog struct {
	log *slog.Logger

	mu   sync.Mutex // guards last and more
	last time.Time
	more int
}

func (l *failureLog) failed(from net.Addr, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.last) < time.Second {
		l.more++
		return
	}
	l.log.Warn("TLS connection refused", "peer", from.String(), "reason", why, "not_logged_before", l.more)
	l.last, l.more = time.Now(), 0
}

// ClientHandshake is not for servers.
func (c *creds) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("access: these are credentials of a server")
}

// Info describes the protocol.
func (c *creds) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the credentials themselves: they do not change.
func (c *creds) Clone() credentials.TransportCredentials { return c }

// OverrideServerName is not for servers.
func (c *creds) OverrideServerName(string) error { return nil }
