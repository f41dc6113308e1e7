// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vhost is the driver VhostUserPort: virtual machines plug their
// network cards in (package appliance/sys/vhost does the work).
package vhost

import (
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/vhost"
)

// Driver exchanges packets with a virtio device through shared memory.
var Driver = &port.Driver{
	Name:   "VhostUserPort",
	Prefix: "vhost_user_port",
	Help:   "has the network card of a virtual machine plugged in, through memory that both share",
	Arg:    &VhostUserPortArg{},
	New:    port.New(create),
}

// defaultDir is where sockets without a path go.
const defaultDir = "/tmp/bess_vhost_"

// create opens the port. Errors: EINVAL for a path that no address can hold or
// that names something else than a socket, EADDRINUSE for a socket that is in
// use, and what the kernel answers.
func create(cfg *port.Config, arg *VhostUserPortArg) (*device, error) {
	o := vhost.Options{Path: arg.GetPath(), Client: arg.GetClient(), Front: arg.GetFrontEnd(),
		Queues: max(cfg.NumInc, cfg.NumOut), Size: vhost.Size(max(cfg.SizeInc, cfg.SizeOut)), Log: cfg.Log}
	if o.Path == "" {
		if strings.Contains(cfg.Name, "/") {
			return nil, errno.Errorf(errno.EINVAL, "path: must be given, because the port's name %q contains a slash", cfg.Name)
		}
		o.Path = defaultDir + cfg.Name
	}
	e, err := vhost.Open(o)
	if err != nil {
		return nil, err
	}
	cfg.NumInc, cfg.NumOut = o.Queues, o.Queues
	if o.Front {
		cfg.SizeInc, cfg.SizeOut = o.Size, o.Size
	}
	return &device{End: e}, nil
}

type device struct {
	vhost.End
	// The address and the MTU that count are those of the card, and set where
	// it is.
	port.NoSettings
}

// Link is up while the other side is there.
func (d *device) Link() port.Link {
	return port.Link{FullDuplex: true, Autoneg: true, Up: d.Up()}
}

// DeviceStats counts packets lost on reception.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.Dropped()}, port.DeviceStats{}
}
