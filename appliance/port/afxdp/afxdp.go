// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package afxdp is the driver AFXDPPort: queues of a network interface through
// AF_XDP sockets.
package afxdp

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/xdp"
)

// Driver drives an interface of the host.
var Driver = &port.Driver{
	Name:   "AFXDPPort",
	Prefix: "af_xdp_port",
	Help:   "receives and sends on queues of a network interface of this host (AF_XDP)",
	Arg:    &AFXDPPortArg{},
	New:    port.New(create),
}

// create opens the interface. Errors: those of xdp.Open.
func create(cfg *port.Config, arg *AFXDPPortArg) (*device, error) {
	mode, err := xdp.ParseMode(arg.GetMode())
	if err != nil {
		return nil, err
	}
	zeroCopy, err := choice.Parse("zero_copy", arg.GetZeroCopy())
	if err != nil {
		return nil, err
	}
	checksums, err := choice.Parse("complete_checksums", arg.GetCompleteChecksums())
	if err != nil {
		return nil, err
	}
	bursts, err := choice.Parse("bursts", arg.GetBursts())
	if err != nil {
		return nil, err
	}
	o := xdp.Options{
		Port: cfg.Name, StartQueue: int(arg.GetStartQueue()), Queues: max(cfg.NumInc, cfg.NumOut), Incoming: cfg.NumInc,
		Mode: mode, ZeroCopy: zeroCopy, NoNeedWakeup: arg.GetAlwaysWakeup(),
		BusyPoll: int(arg.GetBusyPollUs()), BusyPollBudget: int(arg.GetBusyPollBudget()),
		FrameSize: int(arg.GetFrameSize()), RxFrames: max(cfg.SizeInc, xdp.MinFrames), TxFrames: max(cfg.SizeOut, xdp.MinFrames),
		SharedUMEM: arg.GetSharedUmem(), Checksums: checksums, Bursts: bursts, Promiscuous: arg.GetPromiscuous(), Up: true,
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	d, err := xdp.Open(arg.GetIfname(), o)
	if err != nil {
		return nil, errno.Wrap(err, "ifname")
	}
	cfg.MTU, cfg.MAC = d.Address()
	cfg.SizeInc, cfg.SizeOut = d.Frames()
	return &device{Device: d}, nil
}

// device is an open port: traffic, settings and notes are those of xdp.Device.
type device struct {
	port.QueuesNoted
	*xdp.Device
}

// DeviceStats counts packets that the kernel, for want of room, or the port,
// for want of a buffer, had to drop, and those that were sent.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	inc.Dropped, out.Dropped = d.Dropped()
	out.Packets, out.Bytes = d.Sent()
	out.Own = true
	return inc, out
}

// Link reports the state of the interface's link.
func (d *device) Link() port.Link { return port.Link(d.Device.Link()) }
