// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vport is the driver VPort: a network interface for programs of this
// host or a container (spec: ports.md sections 2.4 and 3).
package vport

import (
	"context"
	"errors"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/tap"
)

// Driver makes a TAP device. The original needs a kernel module.
var Driver = &port.Driver{
	Name:    "VPort",
	Prefix:  "vport",
	Help:    "makes a network interface for programs of this host or a container",
	Arg:     &VPortArg{},
	Prepare: port.Prepare(target),
	New:     port.New(create),
}

// maxName is the longest name of an interface, in bytes.
const maxName = 15

// create makes the interface. The order of the checks is part of the
// specification, and so are the beginnings of the texts.
func create(cfg *port.Config, arg *VPortArg) (*device, error) {
	o := tap.Options{
		Name: arg.GetIfname(), MAC: cfg.MAC, Addresses: arg.GetIpAddrs(),
		Incoming: cfg.NumInc, Outgoing: cfg.NumOut, QueueLength: cfg.SizeInc, Loopback: arg.GetLoopback(),
	}
	if o.Name == "" {
		o.Name = cfg.Name
	}
	if len(o.Name) > maxName {
		return nil, errno.Errorf(errno.EINVAL, "Linux interface name should be shorter than %d characters: %q", maxName+1, o.Name)
	}
	var err error
	if o.Where, err = where(cfg.Prepared.(netns.Target), arg); err != nil {
		return nil, err
	}
	if o.CPUs, err = cpus(arg.GetRxqCpus(), cfg.NumOut); err != nil {
		return nil, err
	}
	if o.InnerTCI, err = tci("tx_tci", arg.GetTxTci()); err != nil {
		return nil, err
	}
	if o.OuterTCI, err = tci("tx_outer_tci", arg.GetTxOuterTci()); err != nil {
		return nil, err
	}
	if _, err := hostif.ParseAddresses(o.Addresses); err != nil {
		return nil, addressError(err)
	}
	d, err := tap.Open(o)
	var bad *tap.AddressError
	switch {
	case errors.As(err, &bad):
		return nil, errno.Wrap(err, "Failed to set IP addresses")
	case err != nil:
		return nil, errno.Wrap(err, "SN_IOC_CREATE_HOSTNIC failure")
	}
	return &device{d}, nil
}

func addressError(err error) error {
	return errno.Wrap(err, "Failed to set IP addresses (incorrect IP address format?)")
}

// target finds the namespace that arg names. A container_pid of 0 is that of the
// daemon.
func target(arg *VPortArg) netns.Target {
	t := netns.Target{Container: arg.GetDocker(), PID: arg.GetContainerPid(), Path: arg.GetNetns()}
	return t.Find(context.Background())
}

// where returns t, which arg names, if there is such a namespace.
func where(t netns.Target, arg *VPortArg) (netns.Target, error) {
	switch c := arg.GetCpid().(type) {
	case *VPortArg_Docker:
		if c.Docker == "" {
			return t, errno.Errorf(errno.EINVAL, "field 'docker' should be a container ID or name in string")
		}
	case *VPortArg_Netns:
		if c.Netns == "" {
			return t, errno.Errorf(errno.EINVAL, "Invalid network namespace %s: netns: is empty", c.Netns)
		}
	}
	n, err := t.Open()
	if err == nil {
		n.Close()
		return t, nil
	}
	if t.Path != "" {
		return t, errno.Errorf(errno.EINVAL, "Invalid network namespace %s: %w", t.Path, err)
	}
	if t.PID != 0 {
		return t, errno.Wrap(err, "container_pid")
	}
	return t, err
}

// cpus checks the CPUs for the outgoing queues.
func cpus(given []int64, queues int) ([]int, error) {
	if len(given) > 0 && len(given) != queues {
		return nil, errno.Errorf(errno.EINVAL, "Must specify as many cores as rxqs: rxq_cpus has %d elements, num_out_q is %d", len(given), queues)
	}
	var list []int
	for i, cpu := range given {
		if cpu < 0 || cpu > 1<<20 {
			return nil, errno.Errorf(errno.EINVAL, "rxq_cpus[%d]: %d: must be the number of a CPU", i, cpu)
		}
		list = append(list, int(cpu))
	}
	return list, nil
}

// tci checks tag control information.
func tci(field string, v uint64) (uint16, error) {
	if v > 0xffff {
		return 0, errno.Errorf(errno.EINVAL, "%s: %d: must be in 0..65535", field, v)
	}
	return uint16(v), nil
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
