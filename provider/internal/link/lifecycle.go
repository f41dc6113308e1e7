// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// Create connects the gates.
func (r *res) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	l := plan.link()
	err := session.Retry(ctx, min(session.BusyFor, r.Timeout()), client.IsBusy, func() error {
		return c.Connect(session.Finish(ctx), l.From, l.OGate, l.To, l.IGate)
	})
	if client.IsBusy(err) {
		resp.Diagnostics.AddError("Output gate is connected already", r.takenBy(ctx, c, l))
		return
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "connect", err)
		return
	}
	plan.set(l)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}

// takenBy explains who has the gate.
func (r *res) takenBy(ctx context.Context, c *client.Client, l session.Link) string {
	now, err := current(ctx, c, l)
	if err != nil || now == nil {
		return fmt.Sprintf("Output gate %s:%d is in use.", l.From, l.OGate)
	}
	return fmt.Sprintf("Output gate %s:%d leads to input gate %d of %q, by a link that is not in this state. "+
		"To manage it here: terraform import <address> '%s'", l.From, l.OGate, now.IGate, now.To, now)
}

// current returns the link at the output gate of l, or nil. Errors: those of
// looking at the module.
func current(ctx context.Context, c *client.Client, l session.Link) (*session.Link, error) {
	info, err := c.Module(ctx, l.From)
	return at(info, l), err
}

// at returns the link at the output gate of l, or nil.
func at(info *client.ModuleInfo, l session.Link) *session.Link {
	for _, o := range info.GetOgates() {
		if o.GetOgate() == l.OGate {
			return &session.Link{From: l.From, OGate: l.OGate, To: o.GetName(), IGate: o.GetIgate()}
		}
	}
	return nil
}

// Read drops a link that has vanished and follows one that has been moved.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	info, err := r.ModuleInfo(ctx, state.From.ValueString())
	now := at(info, state.link())
	switch {
	case client.IsNotFound(err) || err == nil && now == nil:
		resp.State.RemoveResource(ctx)
	case err != nil:
		session.ReadFailed(&resp.Diagnostics, "link "+state.link().String(), err)
	default:
		state.set(*now)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	}
}

// Update leads the gate elsewhere.
func (r *res) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	l := plan.link()
	if err := move(ctx, c, l); err != nil {
		session.Failed(&resp.Diagnostics, "move link", err)
		return
	}
	plan.set(l)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}

// move makes the output gate lead to l's input gate: at once if the daemon
// can, else by cutting and connecting. If that fails the old link is restored.
func move(ctx context.Context, c *client.Client, l session.Link) error {
	now, err := current(ctx, c, l)
	switch {
	case err != nil:
		return err
	case now == nil: // it went with a module that has been replaced
		return c.Connect(ctx, l.From, l.OGate, l.To, l.IGate)
	case *now == l:
		return nil
	}
	if err := c.MoveLink(ctx, l.From, l.OGate, l.To, l.IGate); !client.IsUnimplemented(err) {
		return err
	}
	if err := c.Disconnect(ctx, l.From, l.OGate); err != nil {
		return err
	}
	if err := c.Connect(ctx, l.From, l.OGate, l.To, l.IGate); err != nil {
		if undo := c.Connect(ctx, now.From, now.OGate, now.To, now.IGate); undo != nil {
			return fmt.Errorf("%w; the old link is gone: %w", err, undo)
		}
		return err
	}
	return nil
}

// Delete cuts the link, if it still is the one of the state. Another one at
// that gate belongs to somebody else.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	l := state.link()
	now, err := current(ctx, c, l)
	if err == nil && now != nil && *now == l {
		err = c.Disconnect(ctx, l.From, l.OGate)
	}
	if err != nil && !client.IsNotFound(err) {
		session.Failed(&resp.Diagnostics, "disconnect", err)
		return
	}
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}
