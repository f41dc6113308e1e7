// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package veth is the driver VethPort: a virtual cable to programs of this
// host, in whatever network namespace.
package veth

import (
	"context"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/veth"
	"github.com/bessform/terraform-provider-bess/appliance/sys/xdp"
)

// Driver makes a pair of interfaces.
var Driver = &port.Driver{
	Name:    "VethPort",
	Prefix:  "veth_port",
	Help:    "makes a virtual cable to programs of this host or a container (veth)",
	Arg:     &VethPortArg{},
	Prepare: port.Prepare(where),
	New:     port.New(create),
}

// create makes the cable. Errors: those of veth.Open.
func create(cfg *port.Config, arg *VethPortArg) (port.Device, error) {
	o, err := options(cfg, arg)
	if err != nil {
		return nil, err
	}
	d, err := veth.Open(o)
	if arg.GetEngineIfname() == "" && errno.Code(err) == errno.EEXIST && strings.Contains(err.Error(), o.Near) {
		return nil, errno.Errorf(errno.EEXIST, "%w: give the engine's end another name (engine_ifname)", err)
	}
	if err != nil {
		return nil, err
	}
	cfg.MTU, cfg.MAC = d.Address()
	if o.XDP != nil {
		return &device{Device: d}, nil
	}
	return &largeDevice{device{Device: d}}, nil
}

// options are what the argument says. Errors: EINVAL.
func options(cfg *port.Config, arg *VethPortArg) (o veth.Options, err error) {
	o = veth.Options{
		Port: cfg.Name, Near: arg.GetEngineIfname(), Far: arg.GetIfname(),
		Where:   cfg.Prepared.(netns.Target),
		NearMAC: cfg.MAC, MTU: int(arg.GetMtu()), Addresses: arg.GetAddresses(),
		Incoming: cfg.NumInc, Outgoing: cfg.NumOut, Frames: cfg.SizeInc, Sent: cfg.SizeOut, Large: arg.GetLargePackets(),
	}
	if o.Far == "" {
		o.Far = cfg.Name
	}
	if o.Near == "" {
		o.Near = cfg.Name[:min(len(cfg.Name), 10)] + ".bess"
	}
	if text := arg.GetMac(); text != "" {
		if o.FarMAC, err = hostif.ParseStation(text); err != nil {
			return o, errno.Wrap(err, "mac")
		}
	}
	if err := o.Where.Check(); err != nil {
		return o, err
	}
	for _, end := range [][2]string{{"ifname", o.Far}, {"engine_ifname", o.Near}} {
		if err := hostif.CheckName(end[1]); err != nil {
			return o, errno.Wrap(err, "%s", end[0])
		}
	}
	if x := arg.GetAfXdp(); x != nil {
		if o.XDP, err = x.options(); err != nil {
			return o, errno.Wrap(err, "af_xdp")
		}
	}
	o.Bursts, err = choice.Parse("bursts", arg.GetBursts())
	return o, err
}

// where finds the namespace that arg names.
func where(arg *VethPortArg) netns.Target {
	t := netns.Target{Container: arg.GetContainer(), PID: arg.GetPid(), Path: arg.GetNetns()}
	return t.Find(context.Background())
}

// options are what the argument says.
func (x *VethXDP) options() (*xdp.Options, error) {
	mode, err := xdp.ParseMode(x.GetMode())
	if err != nil {
		return nil, err
	}
	checksums, err := choice.Parse("complete_checksums", x.GetCompleteChecksums())
	if err != nil {
		return nil, err
	}
	return &xdp.Options{
		Mode: mode, NoNeedWakeup: x.GetAlwaysWakeup(), BusyPoll: int(x.GetBusyPollUs()), BusyPollBudget: int(x.GetBusyPollBudget()),
		FrameSize: int(x.GetFrameSize()), SharedUMEM: x.GetSharedUmem(), Checksums: checksums,
	}, nil
}

// largeDevice is a port with packet sockets, which send packets of several
// pieces, too.
type largeDevice struct{ device }

// SendsLarge marks what packets of several pieces may be sent to.
func (*largeDevice) SendsLarge() {}

// device is an open port.
type device struct {
	port.QueuesNoted
	*veth.Device
}

// DeviceStats counts packets that were lost on the way.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	inc.Dropped, out.Dropped = d.Dropped()
	out.Packets, out.Bytes = d.Sent()
	out.Own = d.CountsSent()
	return inc, out
}

// Link reports the state of the engine's end.
func (d *device) Link() port.Link { return port.Link(d.Device.Link()) }
