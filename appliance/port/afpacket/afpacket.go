// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package afpacket is the driver AFPacketPort: an interface of the host
// through packet sockets.
package afpacket

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Driver drives an Ethernet interface through AF_PACKET sockets.
var Driver = &port.Driver{
	Name:   "AFPacketPort",
	Prefix: "afpacket_port",
	Help:   "drives a network interface of this host through packet sockets, with several queues",
	Arg:    &AFPacketPortArg{},
	New:    port.New(create),
}

func create(cfg *port.Config, arg *AFPacketPortArg) (*device, error) {
	mode, ok := sys.FanoutModes[arg.GetFanout()]
	if !ok && arg.GetFanout() != "" {
		return nil, errno.Errorf(errno.EINVAL, "fanout: %q: must be hash, lb, cpu, rollover, random or queue", arg.GetFanout())
	}
	how, err := choice.Parse("bursts", arg.GetBursts())
	if err != nil {
		return nil, err
	}
	if how == choice.On && arg.GetQdiscBypass() {
		return nil, errno.Errorf(errno.EINVAL, "bursts: on: is not possible with qdisc_bypass")
	}
	i, err := pktio.OpenInterface(arg.GetInterface(), pktio.InterfaceOptions{
		Port:      cfg.Name,
		Exclusive: !arg.GetShared(),
		Receive:   true,
		Send:      true,
		Incoming:  cfg.NumInc,
		Outgoing:  cfg.NumOut,
		Fanout:    sys.Fanout{Mode: mode, Rollover: arg.GetRollover(), Defrag: arg.GetDefrag()},
		Frames:    cfg.SizeInc,
		Blocks:    arg.GetRing() == "blocks",
		Bypass:    arg.GetQdiscBypass(),
		Bursts:    how,
		Large:     arg.GetLargePackets(),
		Up:        !arg.GetKeepState(),
	})
	if err != nil {
		return nil, err
	}
	cfg.MTU, cfg.MAC = i.Address()
	return &device{Interface: i}, nil
}

// device is an open interface: queues, settings and notes are those of
// pktio.Interface.
type device struct {
	port.QueuesNoted
	*pktio.Interface
}

// DeviceStats counts packets that were lost on the way in.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.Dropped()}, port.DeviceStats{}
}

// Link reports the state of the interface's link.
func (d *device) Link() port.Link { return port.Link(d.Interface.Link()) }
