// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// Resource is embedded by every resource. The session is nil while the
// provider is not configured, that is during terraform validate.
type Resource struct{ *Session }

// Configure takes the session.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if s, ok := req.ProviderData.(*Session); ok {
		r.Session = s
	}
}

// DataSource is embedded by every data source.
type DataSource struct{ *Session }

// Configure takes the session.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if s, ok := req.ProviderData.(*Session); ok {
		d.Session = s
	}
}

// Connection returns the connection for a change, or reports why there is
// none.
func (s *Session) Connection(diags *diag.Diagnostics) *client.Client {
	c, err := s.Client()
	if err != nil {
		diags.AddError("No daemon to talk to", upper(err.Error())+".")
	}
	return c
}

// Finish returns the context for a call that makes something: when Terraform is
// interrupted meanwhile, the call is finished nevertheless, so that what it has
// made gets into the state. The client's timeout still bounds it.
func Finish(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// Failed reports a call that failed. what is, for example, "create module".
func Failed(diags *diag.Diagnostics, what string, err error) {
	if client.IsUnreachable(err) {
		diags.AddError("The daemon cannot be reached", "Cannot "+what+": "+err.Error())
		return
	}
	diags.AddError("Cannot "+what, err.Error())
}

// ReadFailed reports that the state of a resource could not be refreshed. If
// the daemon is not there, or its address is not known yet, this is no error:
// a plan can be made without it, from the state.
func ReadFailed(diags *diag.Diagnostics, what string, err error) {
	switch {
	case errors.Is(err, ErrNoAddress):
	case client.IsUnreachable(err):
		diags.AddWarning("The daemon cannot be reached", fmt.Sprintf(
			"Cannot read %s: %v. The plan is made from the state alone; changes made elsewhere are not seen.", what, err))
	default:
		diags.AddError("Cannot read "+what, err.Error())
	}
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]&^0x20) + s[1:]
}

// Int64 turns a counter into a Terraform number. Counters beyond 2^63 do not
// occur before packets have been counted for centuries.
func Int64(n uint64) types.Int64 { return types.Int64Value(int64(min(n, math.MaxInt64))) }
