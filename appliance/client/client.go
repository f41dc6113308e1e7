// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package client speaks to a daemon: the service bess.pb.BESSControl, which
// the original BESS offers too, and bess.declare.v1.Pipelines, which only ours
// has. Calls return plain values and one kind of error (Error), whether the
// daemon answered it inside the response, as a gRPC status, or could not be
// reached at all. One file per noun.
package client

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

const (
	// DefaultAddress is where a daemon listens unless told otherwise.
	DefaultAddress = "127.0.0.1:10514"
	// DefaultTimeout bounds each call unless Options say otherwise.
	DefaultTimeout = 30 * time.Second

	defaultHost = "127.0.0.1"
	defaultPort = "10514"
	// maxMessage is the largest message accepted, in bytes: a lookup table
	// with millions of rules is larger than gRPC's default.
	maxMessage = 256 << 20
	// connectTimeout bounds one attempt to connect. A machine that is off
	// does not refuse a connection, it lets it hang.
	connectTimeout = 5 * time.Second
)

// Options vary Dial. The zero value is what most callers want.
type Options struct {
	// Timeout bounds each call whose context has no earlier deadline; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// UserAgent names the program in the daemon's log.
	UserAgent string
	// TLS is used unless the daemon listens on a Unix socket.
	TLS TLS
}

// Client is a connection to one daemon. Its methods are safe for concurrent
// use.
type Client struct {
	address string
	timeout time.Duration
	link    *link
	conn    *grpc.ClientConn
	bess    api.BESSControlClient
	decl    declarepb.PipelinesClient
	sys     appliancepb.ApplianceClient
	access  accesspb.AccessClient
}

// Dial prepares a connection to a daemon and returns at once: nothing is sent
// before the first call, and later calls connect again when the daemon has been
// restarted. Targets are "host:port", a bare host (port 10514), "unix:/path",
// "unix-abstract:name" or "" for DefaultAddress.
func Dial(target string, opt Options) (*Client, error) {
	address, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	if opt.Timeout <= 0 {
		opt.Timeout = DefaultTimeout
	}
	if strings.HasPrefix(grpcTarget(address), "unix") {
		opt.TLS = TLS{}
	}
	if opt.TLS.enabled() {
		if _, err := opt.TLS.config(); err != nil {
			return nil, err
		}
	}
	link := newLink(opt.TLS)
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = 100*time.Millisecond, 2*time.Second
	conn, err := grpc.NewClient(grpcTarget(address),
		grpc.WithTransportCredentials(link),
		grpc.WithNoProxy(), // a packet engine is not behind the proxy that web pages take
		grpc.WithUserAgent(opt.UserAgent),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: connectTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", target, err)
	}
	return &Client{
		address: address, timeout: opt.Timeout, link: link, conn: conn,
		bess: api.NewBESSControlClient(conn), decl: declarepb.NewPipelinesClient(conn), access: accesspb.NewAccessClient(conn),
		sys: appliancepb.NewApplianceClient(conn),
	}, nil
}

// Address returns where the daemon is expected, in the form that Dial takes.
func (c *Client) Address() string { return c.address }

// Close gives the connection up. Calls under way fail.
func (c *Client) Close() error { return c.conn.Close() }

// Conn returns the connection, for services that have no method here.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// parseTarget completes and checks an address.
func parseTarget(target string) (string, error) {
	if target == "" {
		return DefaultAddress, nil
	}
	if scheme, rest, ok := strings.Cut(target, ":"); ok && (scheme == "unix" || scheme == "unix-abstract") {
		if rest == "" || rest == "//" {
			return "", fmt.Errorf("address %q: the path of the socket is missing", target)
		}
		return target, nil
	}
	if strings.Contains(target, "://") || strings.ContainsAny(target, "/ \t\n") {
		return "", fmt.Errorf("address %q: must be host:port, a host, unix:/path or unix-abstract:name", target)
	}
	if ip := net.ParseIP(strings.Trim(target, "[]")); ip != nil {
		return net.JoinHostPort(ip.String(), defaultPort), nil
	}
	if !strings.Contains(target, ":") {
		return net.JoinHostPort(target, defaultPort), nil
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return "", fmt.Errorf("address %q: must be host:port, a host, unix:/path or unix-abstract:name", target)
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return "", fmt.Errorf("address %q: port %q: must be a number from 1 to 65535", target, port)
	}
	if host == "" {
		host = defaultHost
	}
	return net.JoinHostPort(host, port), nil
}

// grpcTarget returns the address in gRPC's notation.
func grpcTarget(address string) string {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
		return address
	}
	return "dns:///" + address
}

// inBand is a response that tells itself whether the call failed.
type inBand interface{ GetError() *api.Error }

// call makes one call of BESSControl. op and object ("create module", "fw")
// are for the error.
func call[Req any, Resp inBand](ctx context.Context, c *Client, op, object string,
	method func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req,
) (Resp, error) {
	resp, err := declare(ctx, c, op, object, method, req)
	if err != nil {
		return resp, err
	}
	if err := inBandError(op, object, resp.GetError()); err != nil {
		return resp, err
	}
	return resp, nil
}

// declare makes one call of Pipelines, which answers failures as statuses.
func declare[Req, Resp any](ctx context.Context, c *Client, op, object string,
	method func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req,
) (Resp, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := method(ctx, req)
	if err != nil {
		return resp, c.transportError(op, object, err)
	}
	return resp, nil
}
