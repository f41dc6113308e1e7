// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package access decides who may call the API, from where, and writes down
// what they change. One gRPC server serves two kinds of listeners: plaintext
// ones, whose callers are local and administer the daemon, and a TLS listener,
// whose callers are what their certificates say (package pki). The table in
// table.go says which role each method needs.
package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// Options are where a Guard finds what it needs.
type Options struct {
	// Cert, Key and CA are PEM files of the TLS listener; all or none.
	Cert, Key, CA string
	// Enroll is the directory in which the daemon keeps a certificate
	// authority of its own, instead of Cert, Key and CA.
	Enroll string
	// TokenFile holds the join token of the first client; empty: a random one
	// is made and logged.
	TokenFile string
	// Audit is the file of the audit log; empty: Log.
	Audit string
	Log   *slog.Logger
}

// Guard stands before the services of one gRPC server.
type Guard struct {
	log   *slog.Logger
	files *files // nil without TLS
	home  *home  // nil without enrolment
	token tokens
	given string // join token of the first client, "" to make one
	audit *audit
	// health and report are told of problems with certificates.
	health Health
	report func(problem error)
	stop   chan struct{}
}

// Health is where a Guard says that it has a problem.
type Health interface {
	SetServingStatus(service string, s healthpb.HealthCheckResponse_ServingStatus)
}

// every is how often files are looked at.
const every = 2 * time.Second

// Open prepares a Guard. Close ends it.
func Open(opt Options) (*Guard, error) {
	g := &Guard{log: opt.Log, stop: make(chan struct{})}
	if opt.Enroll != "" {
		var err error
		if g.home, err = openHome(opt.Enroll, opt.Log); err != nil {
			return nil, fmt.Errorf("-enroll %s: %w", opt.Enroll, err)
		}
		opt.Cert, opt.Key, opt.CA = g.home.files()
	}
	if opt.TokenFile != "" {
		var err error
		if g.given, err = readToken(opt.TokenFile); err != nil {
			return nil, fmt.Errorf("-enroll_token %s: %w", opt.TokenFile, err)
		}
	}
	if opt.Cert != "" {
		var err error
		if g.files, err = openFiles(opt.Cert, opt.Key, opt.CA, opt.Log, g.changed); err != nil {
			return nil, err
		}
	}
	var err error
	if g.audit, err = openAudit(opt.Audit, opt.Log); err != nil {
		return nil, err
	}
	return g, nil
}

// Close ends the Guard and writes what is left of the audit log.
func (g *Guard) Close() {
	close(g.stop)
	g.audit.close()
}

// HasTLS reports whether there are certificates for a TLS listener.
func (g *Guard) HasTLS() bool { return g.files != nil }

// TLS returns a listener whose connections are those of the TLS listener.
func (g *Guard) TLS(l net.Listener) net.Listener { return tlsListener{l} }

// Announce tells the person at the console how a first client is let in, if
// none has been yet. Call it when the listeners are open.
func (g *Guard) Announce(address string) error {
	if g.home == nil || g.home.enrolled() {
		return nil
	}
	fp := pki.Fingerprint(g.files.current.Load().leaf)
	if g.given != "" {
		g.token.set(g.given, pki.Admin, tokenLife)
		g.log.Warn("no client is enrolled yet; who has the token that was given to this machine runs: bessctl enroll --address HOST:PORT --token TOKEN --fingerprint FINGERPRINT",
			"token_sha256", tokenDigest(g.given), "fingerprint", fp, "listening", address, "valid_for", tokenLife.String())
		return nil
	}
	token, err := g.token.create(pki.Admin, tokenLife)
	if err != nil {
		return err
	}
	g.log.Warn("no client is enrolled yet; on the operator's machine run: bessctl enroll --address HOST:PORT --token TOKEN --fingerprint FINGERPRINT",
		"token", token, "fingerprint", fp, "listening", address, "valid_for", tokenLife.String())
	return nil
}

// ServerOptions are the credentials and interceptors of the server.
func (g *Guard) ServerOptions() []grpc.ServerOption {
	c := &creds{slots: make(chan struct{}, maxHandshakes), config: g.config, log: failureLog{log: g.log}}
	return []grpc.ServerOption{
		grpc.Creds(c), grpc.ConnectionTimeout(2 * handshakeTime),
		grpc.ChainUnaryInterceptor(g.unary), grpc.ChainStreamInterceptor(g.stream),
		grpc.UnknownServiceHandler(unknown),
	}
}

func (g *Guard) config() *tls.Config {
	return g.files.current.Load().config(g.home != nil && g.token.open())
}

// Register adds the service bess.access.v1.Access. Problems are told to h, and
// with their reasons to report. Call it before the server serves.
func (g *Guard) Register(s *grpc.Server, h Health, report func(problem error)) {
	accesspb.RegisterAccessServer(s, &service{guard: g})
	g.health, g.report = h, report
	if g.files != nil {
		g.changed(*g.files.problem.Load())
		go g.watch()
	}
}

// changed reports a problem with certificates, or its end.
func (g *Guard) changed(problem string) {
	s, reason := healthpb.HealthCheckResponse_SERVING, error(nil)
	if problem != "" {
		s, reason = healthpb.HealthCheckResponse_NOT_SERVING, errors.New(problem)
	}
	g.report(reason)
	g.health.SetServingStatus(accesspb.Access_ServiceDesc.ServiceName, s)
}

// watch notices new files, and renews what the daemon has issued itself.
func (g *Guard) watch() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-tick.C:
		}
		if g.home != nil && !g.token.open() { // the fingerprint that was announced stays
			g.renew()
		}
		g.files.reload()
	}
}

// renew issues the daemon's own certificate again if it is time.
func (g *Guard) renew() {
	if err := g.home.renew(); err != nil {
		g.files.report(fmt.Sprintf("renew the daemon's certificate: %v", err))
	}
}

// unary checks, calls and audits.
func (g *Guard) unary(ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rule, known := table[call.FullMethod]
	rule = rule.of(req)
	id, err := check(ctx, call.FullMethod, rule, known)
	var resp any
	if err == nil {
		resp, err = next(ctx, req)
	}
	if rule.Audited || !known {
		g.audit.record(id, call.FullMethod, req, resp, err)
	}
	return resp, err
}

func (g *Guard) stream(srv any, s grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rule, known := table[call.FullMethod]
	if srv == nil { // no service has it; whoever may look may learn that
		rule, known = look, true
	}
	if _, err := check(s.Context(), call.FullMethod, rule, known); err != nil {
		return err
	}
	return next(srv, s)
}

// unknown answers calls that no service has.
func unknown(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	return status.Errorf(codes.Unimplemented, "unknown method %s", method)
}

// check returns the caller if it may make the call.
func check(ctx context.Context, method string, rule Rule, known bool) (Identity, error) {
	id, ok := From(ctx)
	method = strings.TrimPrefix(method, "/")
	switch {
	case !ok:
		return id, status.Error(codes.Unauthenticated, "the connection has no identity")
	case !known:
		return id, status.Errorf(codes.PermissionDenied, "%s may be called by nobody: it is not in the table of methods", method)
	case rule.Needs == pki.Nobody:
		return id, nil
	case id.outdated() != "":
		return id, status.Errorf(codes.Unauthenticated, "%s", id.outdated())
	case id.Role == pki.Nobody:
		return id, status.Errorf(codes.Unauthenticated, "%s needs role %s: %s", method, rule.Needs, id.problem)
	case id.Role < rule.Needs:
		return id, status.Errorf(codes.PermissionDenied, "%s has role %s, and %s needs role %s", id.Name, id.Role, method, rule.Needs)
	}
	return id, nil
}

var errNoAuthority = errors.New("this daemon has no certificate authority of its own: it was started without -enroll; make certificates with `bessctl pki client`")
