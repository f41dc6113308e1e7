// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api/accesspb"
	"github.com/bessform/terraform-provider-bess/appliance/pki"
)

// Enroll exchanges a join token and a certificate signing request for a
// client certificate.
func (c *Client) Enroll(ctx context.Context, token string, csr []byte) (*accesspb.EnrollResponse, error) {
	return declare(ctx, c, "enroll", "", c.access.Enroll, &accesspb.EnrollRequest{Token: token, Csr: string(csr)})
}

// CreateToken makes a join token for one more client, of the role given, that
// lasts for some seconds, an hour for 0.
func (c *Client) CreateToken(ctx context.Context, role pki.Role, seconds uint32) (*accesspb.CreateTokenResponse, error) {
	return declare(ctx, c, "create join token", "", c.access.CreateToken, &accesspb.CreateTokenRequest{Role: role.String(), Seconds: seconds})
}

// WhoAmI tells who this client is to the daemon, and who the daemon is.
func (c *Client) WhoAmI(ctx context.Context) (*accesspb.WhoAmIResponse, error) {
	return declare(ctx, c, "who am I", "", c.access.WhoAmI, &accesspb.WhoAmIRequest{})
}

// Instance tells one daemon's key from another's; empty without TLS, or before
// the first call.
func (c *Client) Instance() string {
	if cert := c.link.certificate(); cert != nil {
		return pki.Instance(cert)
	}
	return ""
}
