// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ioVhost is a virtio device of a daemon, and a card of the same daemon plugged
// into it, behind a port at a cable: every frame crosses the shared memory twice,
// all on one worker. What that costs is the difference to the row of the port
// alone.
//
//	cable -- port -> device => card -> swap
//	cable -- port <- device <= card <----'
type ioVhost struct {
	ioPort
	dir string
}

const vhostDriver = "VhostUserPort"

// vhostJoins is how long both may take to find each other.
const vhostJoins = 5 * time.Second

func newIOVhost(r *ioRun) ioSubject {
	return &ioVhost{ioPort: ioPort{r: r, driver: "AFXDPPort", cable: true,
		args: func(near, _ string) map[string]any { return map[string]any{"ifname": near} }}}
}

func (v *ioVhost) start(ctx context.Context) (err error) {
	if err := v.known(ctx, v.driver, vhostDriver); err != nil {
		return err
	}
	if err := v.open(ctx); err != nil {
		return err
	}
	if v.dir, err = os.MkdirTemp("", "bess-bench"); err != nil {
		return err
	}
	path := filepath.Join(v.dir, "vhost")
	err = v.create(ctx, "device", vhostDriver, map[string]any{"path": path})
	if err == nil {
		err = v.create(ctx, "card", vhostDriver, map[string]any{"path": path, "client": true, "front_end": true})
	}
	if err == nil {
		err = v.joined(ctx)
	}
	if err == nil {
		err = v.note(ctx, "device")
	}
	if err != nil {
		return err
	}
	return v.run(ctx, &pipeline{
		modules: []moduleSpec{input("in", measured), output("to_device", "device"), input("from_device", "device"), output("out", measured),
			input("plugged_in", "card"), {"swap", "MACSwap", nil}, output("plugged_out", "card")},
		links: []linkSpec{{from: "in", to: "to_device"}, {from: "from_device", to: "out"}, {from: "plugged_in", to: "swap"}, {from: "swap", to: "plugged_out"}},
	})
}

// joined waits until the card is plugged in.
func (v *ioVhost) joined(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < vhostJoins; wait(ctx, 10*time.Millisecond) {
		s, err := v.r.c.LinkStatus(ctx, "card")
		if err != nil || s.GetLinkUp() {
			return err
		}
	}
	return fmt.Errorf("the card was not plugged in within %v", vhostJoins)
}

func (v *ioVhost) stop(ctx context.Context) error {
	return errors.Join(v.ioPort.stop(ctx), os.RemoveAll(v.dir))
}
