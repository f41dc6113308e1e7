// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bessform/terraform-provider-bess/appliance/api/appliancepb"
)

// Health returns what is well and what is not.
func (c *Client) Health(ctx context.Context) (*appliancepb.GetHealthResponse, error) {
	return declare(ctx, c, "get health", "", c.sys.GetHealth, &appliancepb.GetHealthRequest{})
}

// Facts returns what the machine is made of; probe tries out AF_XDP.
func (c *Client) Facts(ctx context.Context, probe bool) (*appliancepb.GetFactsResponse, error) {
	return declare(ctx, c, "get facts", "", c.sys.GetFacts, &appliancepb.GetFactsRequest{Probe: probe})
}

// Log calls f with the lines of the log, for as long as the request says. It
// returns nil if ctx ends it.
func (c *Client) Log(ctx context.Context, r *appliancepb.ReadLogRequest, f func(*appliancepb.LogLine) error) error {
	stream, err := c.sys.ReadLog(ctx, r)
	for err == nil {
		var l *appliancepb.LogLine
		if l, err = stream.Recv(); err == nil {
			if err := f(l); err != nil {
				return err
			}
		}
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	// The stream's own clock may be a little ahead of ctx's.
	if _, limited := ctx.Deadline(); limited && status.Code(err) == codes.DeadlineExceeded {
		return nil
	}
	return c.transportError("read log", "", err)
}

// Shutdown switches the machine off.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := declare(ctx, c, "shut down", "", c.sys.Shutdown, &appliancepb.ShutdownRequest{})
	return err
}

// Reboot starts the machine anew.
func (c *Client) Reboot(ctx context.Context) error {
	_, err := declare(ctx, c, "reboot", "", c.sys.Reboot, &appliancepb.RebootRequest{})
	return err
}
