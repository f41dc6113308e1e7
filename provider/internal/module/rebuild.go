// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// rebuild gives a module other arguments on a daemon that has no call for it,
// which is the original one: the module is destroyed and made again with its
// links and the places of its tasks, while the workers stand still. Commands
// such as clear and add would spare the module, but that daemon then keeps
// telling the old arguments, and every later plan would see a change.
func (r *res) rebuild(ctx context.Context, c *client.Client, name, class string, arg *anypb.Any) (err error) {
	around, err := r.Surroundings(ctx, name)
	if err != nil {
		return err
	}
	old, err := c.InitialArg(ctx, name)
	if err != nil {
		return err
	}
	resume, err := pause(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		if e := resume(); err == nil {
			err = e
		}
	}()
	if err := c.DestroyModule(ctx, name); err != nil {
		return err
	}
	_, err = c.CreateModule(ctx, name, class, arg)
	if err != nil {
		if _, undo := c.CreateModule(ctx, name, class, old); undo != nil {
			return fmt.Errorf("%w; the module is gone, because it could not be made as it was either: %w", err, undo)
		}
	}
	if _, lost := r.Restore(ctx, around); lost != nil {
		return fmt.Errorf("module %q was rebuilt: %w", name, lost)
	}
	return err
}

// pause stops all workers if one runs, and returns how to start them again,
// which happens even if Terraform has been interrupted meanwhile.
func pause(ctx context.Context, c *client.Client) (resume func() error, err error) {
	workers, err := c.Workers(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range workers {
		if w.GetRunning() {
			return func() error {
				_, err := c.ResumeAll(context.WithoutCancel(ctx))
				return err
			}, c.PauseAll(ctx)
		}
	}
	return func() error { return nil }, nil
}
