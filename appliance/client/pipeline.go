// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
)

// Export returns the running pipeline as a declaration.
func (c *Client) Export(ctx context.Context) (*declarepb.ExportResponse, error) {
	return declare(ctx, c, "export pipeline", "", c.decl.Export, &declarepb.ExportRequest{})
}

// Validate checks declarations with the code that Apply uses.
func (c *Client) Validate(ctx context.Context, docs ...*declarepb.Document) ([]*declarepb.Finding, error) {
	resp, err := declare(ctx, c, "validate pipeline", "", c.decl.Validate, &declarepb.ValidateRequest{Documents: docs})
	return resp.GetFindings(), err
}

// Plan tells what Apply would do.
func (c *Client) Plan(ctx context.Context, docs ...*declarepb.Document) (*declarepb.PlanResponse, error) {
	return declare(ctx, c, "plan pipeline", "", c.decl.Plan, &declarepb.PlanRequest{Documents: docs})
}

// Apply makes the running pipeline equal to the declarations, all or nothing.
// If generation is not 0 it is refused unless the pipeline is still at it.
func (c *Client) Apply(ctx context.Context, generation uint64, docs ...*declarepb.Document) (*declarepb.ApplyResponse, error) {
	req := &declarepb.ApplyRequest{Documents: docs, Generation: generation}
	return declare(ctx, c, "apply pipeline", "", c.decl.Apply, req)
}

// History returns the declarations that the daemon has stored, the newest
// first.
func (c *Client) History(ctx context.Context) ([]*declarepb.StoredGeneration, error) {
	resp, err := declare(ctx, c, "read history", "", c.decl.History, &declarepb.HistoryRequest{})
	return resp.GetGenerations(), err
}

// Rollback applies a stored generation; 0: the one before the newest.
func (c *Client) Rollback(ctx context.Context, generation uint64) (*declarepb.RollbackResponse, error) {
	return declare(ctx, c, "roll back", "", c.decl.Rollback, &declarepb.RollbackRequest{Generation: generation})
}
