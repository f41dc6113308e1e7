// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tap is the driver TAPPort: a network interface for programs of this
// host, in whatever network namespace.
package tap

import (
	"context"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/tap"
)

// Driver makes a TAP device.
var Driver = &port.Driver{
	Name:    "TAPPort",
	Prefix:  "tap_port",
	Help:    "makes a network interface for programs of this host or a container (TAP)",
	Arg:     &TAPPortArg{},
	Prepare: port.Prepare(where),
	New:     port.New(create),
}

// create makes the interface. Errors: those of tap.Open.
func create(cfg *port.Config, arg *TAPPortArg) (*device, error) {
	o := tap.Options{
		Name: arg.GetIfname(), Where: cfg.Prepared.(netns.Target), MAC: cfg.MAC, MTU: int(arg.GetMtu()), Addresses: arg.GetAddresses(),
		Incoming: cfg.NumInc, Outgoing: cfg.NumOut, QueueLength: cfg.SizeInc, Persist: arg.GetPersist(), Large: arg.GetLargePackets(),
	}
	if o.Name == "" {
		o.Name = cfg.Name
	}
	if text := arg.GetMac(); text != "" {
		var err error
		if o.MAC, err = hostif.ParseStation(text); err != nil {
			return nil, errno.Wrap(err, "mac")
		}
	}
	if err := o.Where.Check(); err != nil {
		return nil, err
	}
	d, err := tap.Open(o)
	if err != nil {
		return nil, err
	}
	cfg.MAC, cfg.MTU = o.MAC, int(arg.GetMtu())
	return &device{d}, nil
}

// where finds the namespace that arg names.
func where(arg *TAPPortArg) netns.Target {
	t := netns.Target{Container: arg.GetContainer(), PID: arg.GetPid(), Path: arg.GetNetns()}
	return t.Find(context.Background())
}

// device is an open port.
type device struct{ *tap.Device }

// DeviceStats counts packets that the kernel, for want of room, or the port,
// for want of a buffer, had to drop.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.Dropped()}, port.DeviceStats{}
}

// Link reports whether the interface is up. It has no speed.
func (d *device) Link() port.Link {
	return port.Link{FullDuplex: true, Autoneg: true, Up: d.Up()}
}
